"""Conversations to tokens: one prefix that all responses share, and which of their tokens the model has to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from errata.errors import DataError, ModelError, count_noun
from errata.models.encoded import NOT_TEXT, EncodedPrompt, EncodedResponse
from errata.models.templates import Template
from errata.records import IMAGE_PLACEHOLDER, Turn


@dataclass(frozen=True, slots=True)
class ImageText:
    """How an image stands in rendered text: what the template writes for it, what replaces that, and the token in it
    that is repeated once per feature."""

    marker: str
    text: str
    token: str

    def write(self, rendered: str) -> str:
        """Rendered text with every marker, or our own placeholder, replaced."""
        return rendered.replace(self.marker, self.text).replace(IMAGE_PLACEHOLDER, self.text)


@dataclass(frozen=True, slots=True)
class _Round:
    """An assistant turn in the text after the prompt: where it starts, and where its words begin and end.

    `lead` counts the blanks before the first word that the text has and the template trimmed.
    """

    start: int
    begin: int
    end: int
    lead: int

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The span of a token in the turn's own text, or `NOT_TEXT`."""
        if start >= self.end or end <= self.begin:
            return NOT_TEXT
        return max(start, self.begin) - self.begin + self.lead, min(end, self.end) - self.begin + self.lead


class ChatEncoder:
    """Render with a chat template and tokenise prompt and response apart: all responses share the prompt's tokens.

    Args:
        tokenizer: A fast tokenizer (offsets are needed).
        template: The chat template.
        image: How an image stands in rendered text.
        system_prompt: Put before conversations that have no system turn.
    """

    def __init__(self, tokenizer: Any, template: Template, image: ImageText, system_prompt: str | None) -> None:
        self._tokenizer, self.template, self._system = tokenizer, template, system_prompt
        # A length that tokenizers state is often that of another model; limits are our callers' to check and to name.
        tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
        self._image, self._image_token = image, image.token
        self._special_ids = frozenset(tokenizer.all_special_ids)
        self._forbidden = tuple(
            dict.fromkeys([image.marker, image.token, IMAGE_PLACEHOLDER, *filter(None, tokenizer.all_special_tokens)])
        )
        # Decided by what the tokenizer does: names of settings that add a first token differ between tokenizers.
        # Thousands of questions share a few texts, and all responses to a prompt share its end.
        self._cached_prompt = lru_cache(maxsize=4096)(self._encode_prompt)
        self._cached_ids = lru_cache(maxsize=4096)(self._plain_ids)
        self._adds_bos = tokenizer.bos_token_id is not None and tokenizer.bos_token_id in tokenizer("").input_ids

    def find_turn_ends(self) -> list[int]:
        """Ids of the special tokens with which the template ends an assistant turn; may be empty."""
        turns = (Turn("user", "a"), Turn("assistant", "b"))
        ids = self._tokenizer(self._close(turns, 0, "b"), add_special_tokens=False).input_ids
        return [token for token in ids if token in self._special_ids][:1]

    def _close(self, turns: tuple[Turn, ...], n_images: int, text: str) -> str:
        rendered = self.template.render(turns, n_images, open_assistant=False)
        return rendered[rendered.rindex(text) + len(text) :]

    def encode_prompt(self, prompt: tuple[Turn, ...], n_images: int) -> tuple[tuple[Turn, ...], str, tuple[int, ...]]:
        """The turns with the system prompt, the rendered text and its tokens (one per image)."""
        return self._cached_prompt(prompt, n_images)

    def _encode_prompt(self, prompt: tuple[Turn, ...], n_images: int) -> tuple[tuple[Turn, ...], str, tuple[int, ...]]:
        if self._system is not None and not any(turn.role == "system" for turn in prompt):
            prompt = (Turn("system", self._system), *prompt)
        self._check_texts(prompt)
        text = self._image.write(self.template.render(prompt, n_images, open_assistant=True))
        if text.count(self._image_token) != n_images:
            raise ModelError(
                "chat template",
                expected=f"one {self._image_token} for each of {count_noun(n_images, 'image')}",
                found=f"{text.count(self._image_token)} in {text[:80]!r}",
                fix="set model.template to 'vicuna' or to a template that places images",
            )
        return prompt, text, self._tokenise(text)

    def encode_response(self, prompt: EncodedPrompt, turns: tuple[Turn, ...]) -> EncodedResponse:
        """Tokens of the assistant's turns and of the user's in between.

        Of an assistant turn everything the model has to write is response: its words, a blank before them, and the
        special token that ends the turn (added after the last turn if the template does not). What the template puts
        between turns, and the user's words, are not.

        Raises:
            DataError: A text holds a special token of the model.
            ModelError: The template changes earlier text when turns are added, so that no prefix is shared.
        """
        self._check_texts(turns, placeholders=False)
        text, spans = self._render_turns(prompt, turns)
        ids, offsets = self._continue(prompt.text, text)
        return self._mark(ids, offsets, spans)

    def _render_turns(self, prompt: EncodedPrompt, turns: tuple[Turn, ...]) -> tuple[str, list[_Round]]:
        """The text after the prompt, and where each round stands in it."""
        whole = self._render(prompt, turns, open_assistant=False)
        text, done = "", 0
        rounds: list[_Round] = []
        for number in range(0, len(turns), 2):
            opened = prompt.text if number == 0 else self._render(prompt, turns[:number], open_assistant=True)
            words = turns[number].text.strip()  # many templates trim
            # Where they differ, the blanks that the model sees when it is asked count.
            stem, cut = len(opened.rstrip()), _find_end_of_opening(whole, opened, words)
            text += whole[done:stem] + opened[stem:]
            start, done = len(text) - len(prompt.text), cut
            begin = start + whole.index(words, cut) - cut
            lead = len(turns[number].text) - len(turns[number].text.lstrip())
            rounds.append(_Round(start, begin, begin + len(words), lead))
        return (text + whole[done:])[len(prompt.text) :], rounds

    def _render(self, prompt: EncodedPrompt, turns: tuple[Turn, ...], *, open_assistant: bool) -> str:
        rendered = self.template.render((*prompt.turns, *turns), prompt.n_images, open_assistant=open_assistant)
        return self._image.write(rendered)

    def _continue(self, prompt: str, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokens of `text` as they follow the prompt, where a token begins there; otherwise of `text` alone.

        Many tokenizers mark the beginning of a string, so the text alone can have other tokens than the same text in
        its place. Only the last line of the prompt is tokenised again: it fixes what stands before the text.
        """
        tail = prompt[prompt.rfind(self._image_token) + len(self._image_token) if self._image_token in prompt else 0 :]
        before = list(self._cached_ids(tail))
        joint = self._tokenizer(tail + text, add_special_tokens=False, return_offsets_mapping=True)
        if joint.input_ids[: len(before)] == before:
            offsets = [(start - len(tail), end - len(tail)) for start, end in joint.offset_mapping[len(before) :]]
            return joint.input_ids[len(before) :], offsets
        alone = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return alone.input_ids, list(alone.offset_mapping)

    def _mark(self, ids: list[int], offsets: list[tuple[int, int]], rounds: list[_Round]) -> EncodedResponse:
        """Give every token its round, its place in the round's words, and whether the model writes it."""
        encoded = EncodedResponse([], [], [], [])
        number, open_turn = 0, True
        for token, (start, end) in zip(ids, offsets, strict=True):
            while number + 1 < len(rounds) and start >= rounds[number + 1].start:
                number, open_turn = number + 1, True
            words_over = start >= rounds[number].end
            written = open_turn and (not words_over or token in self._special_ids)
            if words_over and not written and number == len(rounds) - 1:
                break  # blanks that the template puts after the last turn
            _append(encoded, token, written, number, rounds[number].place(start, end))
            open_turn = open_turn and not words_over
        if open_turn or encoded.input_ids[-1] not in self._special_ids:
            _append(encoded, self._tokenizer.eos_token_id, True, len(rounds) - 1, NOT_TEXT)
        return encoded

    def _tokenise(self, text: str) -> tuple[int, ...]:
        ids = self._plain_ids(text)
        bos = self._tokenizer.bos_token_id
        return (bos, *ids) if self._adds_bos and ids[:1] != (bos,) else ids

    def _plain_ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False).input_ids)

    def _check_texts(self, turns: Sequence[Turn], *, placeholders: bool = True) -> None:
        """A special token inside a text would be read as an image or as the end of a turn."""
        for turn in turns:
            text = turn.text.replace(IMAGE_PLACEHOLDER, "") if placeholders and turn.role == "user" else turn.text
            for token in self._forbidden:
                if token in text:
                    raise DataError(
                        f"{turn.role} turn {turn.text[:40]!r}",
                        expected="text without the model's special tokens",
                        found=f"the token {token!r}",
                        fix="remove it or set the row aside",
                    )


def _find_end_of_opening(whole: str, opened: str, words: str) -> int:
    """Where in the whole text the opening of a turn ends: some templates put other blanks before the words of a turn
    (`assistant \\n`) than they leave it open with (`assistant\\n`).

    Raises:
        ModelError: Anything else differs, or the words are not there.
    """
    stem = opened.rstrip()
    end = len(whole) - len(whole[len(stem) :].lstrip())
    if whole.startswith(opened) and words in whole[len(opened) :]:
        return len(opened)
    if whole.startswith(stem) and whole.startswith(words, end):
        return end
    raise ModelError(
        "chat template",
        expected="a template that keeps earlier text when a turn is added",
        found="one that changes it, or the words of an answer",
        fix="set model.template to 'vicuna' or to another template",
    )


def _append(encoded: EncodedResponse, token: int, written: bool, number: int, offset: tuple[int, int]) -> None:
    encoded.input_ids.append(token)
    encoded.is_response.append(written)
    encoded.round_index.append(number)
    encoded.offsets.append(offset)
