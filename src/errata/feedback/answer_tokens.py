"""The tokens that a model can say yes and no with, in the four forms that RLAIF-V reads: yes, Yes, no, No."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from errata.errors import ModelError

FORMS = ("yes", "Yes", "no", "No")
MARKS = ("", "▁", "Ġ")
"""What stands before a word in a vocabulary, by the kind of tokenizer: nothing, or a blank in one of two spellings."""

TokenIds = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnswerTokens:
    """By form the token sequences that write it, and by form why there are none or how many there are.

    A form with tokens of its own, with or without a blank before it, is read from those alone. One that a tokenizer
    splits has its split sequences. No sequence belongs to two forms: a tokenizer that knows no capitals has one `yes`.
    """

    sequences: dict[str, tuple[TokenIds, ...]]
    notes: dict[str, str]

    @property
    def choices(self) -> tuple[int, ...]:
        """All tokens of all sequences, each once."""
        return tuple(sorted({token for found in self.sequences.values() for one in found for token in one}))

    @property
    def split(self) -> tuple[TokenIds, ...]:
        """The sequences of several tokens."""
        return tuple(one for found in self.sequences.values() for one in found if len(one) > 1)


def find_answer_tokens(tokenizer: Any, name: str) -> AnswerTokens:
    """The tokens of a tokenizer.

    Args:
        tokenizer: The model's.
        name: The model's, for an error.

    Raises:
        ModelError: It cannot write yes in any form, or no.
    """
    taken: dict[TokenIds, str] = {}
    sequences, notes = {}, {}
    for form in FORMS:
        found = _find_single(tokenizer, form) or _find_split(tokenizer, form)
        own = tuple(one for one in found if one not in taken)
        sequences[form] = own
        notes[form] = _describe(found, own, taken)
        taken |= dict.fromkeys(own, form)
    for side in (FORMS[:2], FORMS[2:]):
        if not any(sequences[form] for form in side):
            raise ModelError(
                name,
                expected=f"a tokenizer that can write {' or '.join(side)}",
                found=f"{side[1]}: {notes[side[1]]}",
                fix="label with another model",
            )
    return AnswerTokens(sequences, notes)


def _find_single(tokenizer: Any, form: str) -> tuple[TokenIds, ...]:
    vocabulary = tokenizer.get_vocab()
    return tuple((vocabulary[mark + form],) for mark in MARKS if mark + form in vocabulary)


def _find_split(tokenizer: Any, form: str) -> tuple[TokenIds, ...]:
    """At the start of a text and after a blank; none with an unknown token in it."""
    texts = (form, f" {form}")
    found = dict.fromkeys(tuple(tokenizer(text, add_special_tokens=False).input_ids) for text in texts)
    unknown = tokenizer.unk_token_id
    return tuple(one for one in found if one and (unknown is None or unknown not in one))


def _describe(found: tuple[TokenIds, ...], own: tuple[TokenIds, ...], taken: dict[TokenIds, str]) -> str:
    if not found:
        return "not in the vocabulary"
    if not own:
        return f"the same tokens as {taken[found[0]]}"
    return f"split into {len(own[0])} tokens" if len(own[0]) > 1 else "one token"
