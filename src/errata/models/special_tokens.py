"""Which tokens of a tokenizer are no words, which of them end a turn, and texts that may not spell any.

Whether a tokenizer and a model belong together: every token that can occur needs a row of the embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from errata.errors import DataError, ModelError
from errata.records import IMAGE_PLACEHOLDER, Turn
from errata.text import split_reasoning


class SpecialTokens:
    """The special tokens of one tokenizer.

    They are those that it names (`eos_token`, …), and those that it marks without a name: Gemma 3 marks `<end_of_turn>`
    in its table of added tokens and nowhere else.

    Args:
        tokenizer: A fast tokenizer.
        stops: Tokens with which the model ends a turn by its `generation_config`, by number. Those that are no added
            tokens are taken for a mistake: a configuration's default can be another tokenizer's word.
        marks: Further texts that stand for an image.
    """

    def __init__(self, tokenizer: Any, stops: Iterable[int], marks: Iterable[str]) -> None:
        self._tokenizer = tokenizer
        known = tokenizer.added_tokens_decoder
        named = frozenset(tokenizer.all_special_ids)
        self.ids = named | {number for number, token in known.items() if token.special}
        self.stops = tuple(number for number in dict.fromkeys(stops) if number in known or number in named)
        self._added = {token.content: number for number, token in known.items()}
        # A tokenizer without bytes writes the unknown token for letters that it does not know.
        self._refused = {number for number in {*self.ids, *self.stops} if number != tokenizer.unk_token_id}
        self._refused -= {number for text, number in self._added.items() if _is_thought(text)}
        self._texts: tuple[str, ...] = tuple(
            filter(None, [*dict.fromkeys([*marks, IMAGE_PLACEHOLDER]), tokenizer.unk_token])
        )

    def find_end(self, text: str, ends: Sequence[str]) -> str | None:
        """Which of the ends a text begins with, blanks aside."""
        bare = text.lstrip()
        return next((end for end in ends if bare.startswith(end)), None)

    def find_added(self, text: str) -> str | None:
        """The added token that a text begins with, blanks aside."""
        bare = text.lstrip()
        return max((token for token in self._added if token and bare.startswith(token)), key=len, default=None)

    def write(self, number: int) -> str:
        """The text of a token."""
        return str(self._tokenizer.convert_ids_to_tokens(number))

    def number(self, text: str) -> int:
        """The token of a text that is one."""
        return int(self._tokenizer.convert_tokens_to_ids(text))

    def require_words(self, turns: Sequence[Turn], *, placeholders: bool) -> None:
        """Raise DataError for a text that holds a special token, which would be read as an image or as a turn's end.

        Args:
            turns: The turns.
            placeholders: Whether a user's text may place images.
        """
        for turn in turns:
            text = turn.text.replace(IMAGE_PLACEHOLDER, " ") if placeholders and turn.role == "user" else turn.text
            token = self._find_refused(text)
            if token is not None:
                raise DataError(
                    f"{turn.role} turn {turn.text[:40]!r}",
                    expected="text without the model's special tokens",
                    found=f"the token {token!r}",
                    fix="remove it or set the row aside",
                )

    def _find_refused(self, text: str) -> str | None:
        spelt = next((mark for mark in self._texts if mark in text), None)
        if spelt is not None:
            return spelt
        # Asked of the tokenizer itself: it may know a token in other spellings than its own.
        ids: list[int] = self._tokenizer(text, add_special_tokens=False).input_ids
        return next((self.write(number) for number in ids if number in self._refused), None)


def _is_thought(text: str) -> bool:
    """Whether a token begins or ends a thought; answers of models that think hold both."""
    told = split_reasoning(text)
    return not told.finished or told.answer != text


_SHOWN = 3


def check_vocabulary(model: Any, processor: Any, name: str) -> None:
    """Compare the tokenizer with the model's embeddings and output layer; these may be larger (padding).

    Special tokens without a row are no fault while nothing writes them: texts that hold them are refused anyway.

    Raises:
        ModelError: A token that a text, the chat template or the end of a turn can bring has no row.
    """
    tokenizer = processor.tokenizer
    rows = _count_rows(model)
    if rows is None or not hasattr(tokenizer, "get_vocab"):
        return
    beyond = {token: number for token, number in tokenizer.get_vocab().items() if number >= rows}
    written = str(getattr(processor, "chat_template", None) or tokenizer.chat_template)
    ends = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    idle = {
        str(added)
        for number, added in tokenizer.added_tokens_decoder.items()
        if added.special and str(added) not in written and number not in ends
    }
    missing = sorted((number, token) for token, number in beyond.items() if token not in idle)
    if missing:
        shown = ", ".join(repr(token) for _, token in missing[:_SHOWN])
        raise ModelError(
            name,
            expected=f"a tokenizer whose tokens all have embeddings; the model has {rows}",
            found=f"a vocabulary that ends at {missing[-1][0]}: {len(missing)} tokens without, such as {shown}",
            fix="call model.resize_token_embeddings(len(tokenizer)) and save the model, or use its own tokenizer",
        )


def _count_rows(model: Any) -> int | None:
    """Of the smaller of input embeddings and output layer; None of a model that does not tell."""
    counts = []
    for find in ("get_input_embeddings", "get_output_embeddings"):
        layer = getattr(model, find)() if hasattr(model, find) else None
        weight = getattr(layer, "weight", None)
        counts += [] if weight is None or weight.ndim != 2 else [int(weight.shape[0])]
    return min(counts, default=None)
