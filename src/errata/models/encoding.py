"""Conversations to tokens: one prefix that all responses share, and which of their tokens the model has to write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from errata.errors import ModelError, count_noun
from errata.models.encoded import NOT_TEXT, EncodedPrompt, EncodedResponse
from errata.models.rounds import ImageText, RoundWriter
from errata.models.special_tokens import SpecialTokens
from errata.models.templates import Template
from errata.records import Turn


class ChatEncoder:
    """Render with a chat template and tokenise prompt and response apart: all responses share the prompt's tokens.

    Args:
        tokenizer: A fast tokenizer (offsets are needed).
        template: The chat template.
        image: How an image stands in rendered text.
        system_prompt: Put before conversations that have no system turn.
        stops: Tokens that end a turn by the model's `generation_config`.
        way_out: See `RoundWriter`.
    """

    def __init__(
        self,
        tokenizer: Any,
        template: Template,
        image: ImageText,
        system_prompt: str | None,
        stops: Sequence[int] = (),
        way_out: str = "",
    ) -> None:
        self._tokenizer, self.template, self._system = tokenizer, template, system_prompt
        # A length that tokenizers state is often that of another model; limits are our callers' to check and to name.
        tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
        self._image_token = image.token
        self._special = SpecialTokens(tokenizer, stops, (image.marker, image.token))
        self._writer = RoundWriter(template, image, self._special, tokenizer.eos_token, way_out)
        # Thousands of questions share a few texts, and all responses to a prompt share its end.
        self._cached_prompt = lru_cache(maxsize=4096)(self._encode_prompt)
        self._cached_ids = lru_cache(maxsize=4096)(self._plain_ids)
        # Decided by what the tokenizer does: names of settings that add a first token differ between tokenizers.
        self._adds_bos = tokenizer.bos_token_id is not None and tokenizer.bos_token_id in tokenizer("").input_ids

    def find_turn_ends(self) -> list[int]:
        """Ids of the tokens that end an assistant turn beside the tokenizer's own: the template's, and those of the
        model's `generation_config`."""
        own = self._writer.own_end
        return [*([] if own is None else [self._special.number(own)]), *self._special.stops]

    def encode_prompt(self, prompt: tuple[Turn, ...], n_images: int) -> tuple[tuple[Turn, ...], str, tuple[int, ...]]:
        """The turns with the system prompt, the rendered text and its tokens (one per image)."""
        return self._cached_prompt(prompt, n_images)

    def _encode_prompt(self, prompt: tuple[Turn, ...], n_images: int) -> tuple[tuple[Turn, ...], str, tuple[int, ...]]:
        if self._system is not None and not any(turn.role == "system" for turn in prompt):
            prompt = (Turn("system", self._system), *prompt)
        self._special.require_words(prompt, placeholders=True)
        text = self._writer.render(prompt, n_images, open_assistant=True)
        if text.count(self._image_token) != n_images:
            raise ModelError(
                "chat template",
                expected=f"one {self._image_token} for each of {count_noun(n_images, 'image')}",
                found=f"{text.count(self._image_token)} in {text[:80]!r}",
                fix=self.template.fix,
            )
        return prompt, text, self._tokenise(text)

    def encode_response(self, prompt: EncodedPrompt, turns: tuple[Turn, ...]) -> EncodedResponse:
        """Tokens of the assistant's turns and of the user's in between.

        Of an assistant turn everything the model has to write is response: its words, a blank before them, and the
        token that ends the turn (see `RoundWriter`). What the template puts between turns, the beginning of a thought
        that it opens, and the user's words, are not. Every round is tokenised as the model meets it: after a prompt
        that ends where the round begins.

        Raises:
            DataError: A text holds a special token of the model, or an answer does not fit the template; see
                `RoundWriter.write`.
            ModelError: The template changes earlier text when turns are added, so that no prefix is shared.
        """
        self._special.require_words(turns, placeholders=False)
        rounds = self._writer.write(prompt.turns, prompt.text, prompt.n_images, turns)
        encoded = EncodedResponse([], [], [], [])
        # Only what follows the last image is tokenised again: it fixes what stands before the text.
        before = prompt.text.rpartition(self._image_token)[2]
        for number, one in enumerate(rounds):
            for token, _ in self._continue(before, one.context):
                _append(encoded, token, False, number - 1, NOT_TEXT)
            before += one.context
            for token, (start, end) in self._continue(before, one.written):
                _append(encoded, token, True, number, _place(one.places[max(start, 0) : end]))
            before += one.written
        return encoded

    def _continue(self, before: str, text: str) -> list[tuple[int, tuple[int, int]]]:
        """Tokens of `text` and their places in it, as they follow another text where a token begins there; otherwise
        those of `text` alone.

        Many tokenizers mark the beginning of a string, so the text alone can have other tokens than the same text in
        its place.
        """
        if not text:
            return []
        known = list(self._cached_ids(before))
        joint = self._tokenizer(before + text, add_special_tokens=False, return_offsets_mapping=True)
        if joint.input_ids[: len(known)] == known:
            spans = [(start - len(before), end - len(before)) for start, end in joint.offset_mapping[len(known) :]]
            return list(zip(joint.input_ids[len(known) :], _fill(spans), strict=True))
        alone = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return list(zip(alone.input_ids, _fill(alone.offset_mapping), strict=True))

    def _tokenise(self, text: str) -> tuple[int, ...]:
        ids = self._plain_ids(text)
        bos = self._tokenizer.bos_token_id
        return (bos, *ids) if self._adds_bos and ids[:1] != (bos,) else ids

    def _plain_ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False).input_ids)


def _place(places: Sequence[int]) -> tuple[int, int]:
    """The span in an answer's text that a token's characters stand for, or `NOT_TEXT`."""
    known = [place for place in places if place >= 0]
    return (known[0], known[-1] + 1) if known else NOT_TEXT


def _fill(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of tokens without gaps: a tokenizer that joins a letter and its accent leaves the accent out."""
    starts = [start for start, _ in spans[1:]]
    return [(start, max(end, after)) for (start, end), after in zip(spans, [*starts, 0], strict=True)]


def _append(encoded: EncodedResponse, token: int, written: bool, number: int, offset: tuple[int, int]) -> None:
    encoded.input_ids.append(token)
    encoded.is_response.append(written)
    encoded.round_index.append(number)
    encoded.offsets.append(offset)
