"""Records as tokens and token weights, made once before the first step; what cannot be trained on is named then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from errata.corrections import OneSided
from errata.errors import DataError, ModelError
from errata.models import Adapter, EncodedImage, EncodedPrompt
from errata.objectives import Objective, find_pairs
from errata.records import Record
from errata.text import require_plain
from errata.training.encode.token_weights import weigh_tokens
from errata.trees import TreeSample

LoadPixels = Callable[[str, int], EncodedImage]
"""From an image's name in a record, and how many images the record shows, to its pixels."""

LoadCorrupted = Callable[[str, int, str], EncodedImage]
"""The same with a key that is the image's alone and the same on every machine, to the pixels of the corrupted image."""


def key_image(record_id: str, number: int) -> str:
    """What the randomness of an image's corruption hangs on: names may be absolute paths, which differ by machine."""
    return f"{record_id} {number}"


def refuse_corrupted(name: str, among: int, key: str) -> EncodedImage:  # noqa: ARG001 - a `LoadCorrupted`
    """The source of corrupted images where there is none. Raises DataError."""
    raise DataError(
        f"record and number {key!r}: image {name!r}",
        expected="a source of corrupted images",
        found="none",
        fix="give load_corrupted, or choose an objective with image_weight 0",
    )


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A record as tokens and token weights; its pixels are loaded when a row is built.

    A token that the model does not write weighs 0. For an objective without pairs the sample holds the best alone.
    """

    sample: TreeSample
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that training leaves out, and why."""

    id: str
    reason: str


@dataclass
class RecordEncoder:
    """Encodes records for one objective.

    Args:
        adapter: The model family's encoder.
        load_pixels: Where images come from.
        objective: Decides which responses and which token weights are needed.
        one_sided: The rule for corrections that only add or only remove text.
        max_length: Tokens of the prompt with its longest response; None for no limit.
        max_tokens_per_row: Tokens of the prompt with all its responses.
        skip_bad: Set unusable records aside, instead of raising. Those over a limit are set aside in any case.
        load_corrupted: Where corrupted images come from, for an objective that needs them.
    """

    adapter: Adapter
    load_pixels: LoadPixels
    objective: Objective
    one_sided: OneSided
    max_length: int | None
    max_tokens_per_row: int
    skip_bad: bool = False
    load_corrupted: LoadCorrupted = refuse_corrupted
    _prompts: dict[Any, EncodedPrompt] = field(default_factory=dict)

    def encode_all(
        self, records: Sequence[Record], on_encoded: Callable[[int], object] = lambda _: None
    ) -> tuple[list[EncodedRecord], list[SetAside]]:
        """Encode what can be trained on, and say what cannot; `on_encoded` is told how many more are done.

        Raises:
            DataError: A record that cannot be used, without `skip_bad`; or no record is left.
            ModelError: A chat template that fails on a record, without `skip_bad`.
        """
        encoded: list[EncodedRecord] = []
        aside: list[SetAside] = []
        for record in records:
            result = self._encode_or_set_aside(record)
            on_encoded(1)
            if isinstance(result, SetAside):
                aside.append(result)
            else:
                encoded.append(result)
        if not encoded:
            found = f"none of {len(records)}" + (f"; the first because {aside[0].reason}" if aside else "")
            raise DataError(
                "the data set",
                expected="records to train on",
                found=found,
                fix="fix the records, or raise max_length and max_tokens_per_row where they are too long",
            )
        return encoded, aside

    def _encode_or_set_aside(self, record: Record) -> EncodedRecord | SetAside:
        try:
            self._require_pair(record)
            encoded = self.encode(record)
            _require_words(encoded.sample)
            _require_different(encoded.sample, self.objective)
        except DataError as error:
            if self.skip_bad:
                return SetAside(record.id, str(error))
            named = error.within(f"record {record.id!r}")
            named.can_skip = True
            raise named from None
        except ModelError as error:  # a template that fails on this conversation: others may be of another kind
            if self.skip_bad:
                return SetAside(record.id, str(error))
            raise error.within(f"record {record.id!r}") from None
        reason = self._find_excess(encoded)
        return encoded if reason is None else SetAside(record.id, reason)

    def _require_pair(self, record: Record) -> None:
        if self.objective.pairing != "none" and not find_pairs(record.levels, self.objective.pairing):
            raise DataError(
                "responses",
                expected=f"two of different levels for the objective {self.objective.name!r}",
                found=f"nothing to compare, as all have level {record.levels[0]}",
                fix="give them different levels, drop the record, or train on it with the objective 'sft'",
            )

    def _find_excess(self, encoded: EncodedRecord) -> str | None:
        """Which limit the record is over, if any; nothing is ever cut."""
        longest, total = max(tree.shape.longest for tree in encoded.sample.trees), encoded.sample.total
        places, positions = max(map(_count_positions, encoded.sample.trees)), self.adapter.max_positions
        way_out = self._find_way_out(encoded)
        if self.max_length is not None and longest > self.max_length:
            return f"{longest} tokens with its longest response; max_length is {self.max_length}{way_out}"
        if total > self.max_tokens_per_row:
            return f"{total} tokens with all its responses; max_tokens_per_row is {self.max_tokens_per_row}{way_out}"
        if positions is not None and places > positions:
            rule = f"the model numbers {positions} (max_position_embeddings)"
            return f"{places} positions with its longest response; {rule}{way_out}"
        return None

    def _find_way_out(self, encoded: EncodedRecord) -> str:
        """Which setting makes the record's images smaller, where the model keeps to one."""
        tokens = sum(image.n_tokens for image in encoded.sample.prompt.images)
        if not tokens or not self.adapter.limits:
            return ""
        names = " or ".join(f"model.{name}" for name in self.adapter.limits if name != "min_pixels")
        return f"; {tokens} of them are images: {names} makes these smaller"

    def encode(self, record: Record) -> EncodedRecord:
        """Tokens and weights of one record. Raises DataError on an unusable image or text."""
        wanted = [i for i, level in enumerate(record.levels) if self.objective.pairing != "none" or level == 0]
        self._require_plain(record, wanted)
        among = len(record.images)
        prompt = self._encode_prompt(record, [self.load_pixels(name, among) for name in record.images])
        responses = tuple(self.adapter.encode_response(prompt, record.responses[i].turns) for i in wanted)
        sample = TreeSample(
            id=record.id,
            prompt=prompt,
            responses=responses,
            levels=tuple(record.levels[i] for i in wanted),
            token_weights=weigh_tokens(record, wanted, prompt, responses, self.objective, self.one_sided),
        )
        if self.objective.needs_contrast:
            sample = replace(sample, contrast=self._build_contrast(record, sample))
        return EncodedRecord(sample, record.images)

    def _require_plain(self, record: Record, wanted: Sequence[int]) -> None:
        """Raise DataError for another tool's markup in a turn, of which the model would learn the letters.

        A token of the model's own is no markup; where it is a special one, the adapter refuses it.
        """
        for turn in record.prompt:
            require_plain(turn.text, turn.role, f"{turn.role} turn {turn.text[:40]!r}", self.adapter.has_token)
        for number in wanted:
            for turn in record.responses[number].turns:
                require_plain(turn.text, turn.role, f"response {number}", self.adapter.has_token)

    def _build_contrast(self, record: Record, sample: TreeSample) -> TreeSample:
        """The responses of level 0 behind the record's corrupted images. Raises DataError where it shows none."""
        if not record.images:
            raise DataError(
                "images",
                expected="an image to compare with a corrupted one",
                found="a prompt of text alone",
                fix="choose an objective with image_weight 0, or drop the record",
            )
        among = len(record.images)
        images = [self.load_corrupted(name, among, key_image(record.id, i)) for i, name in enumerate(record.images)]
        best = [i for i, level in enumerate(sample.levels) if level == 0]
        weights = sample.token_weights or ()
        return TreeSample(
            id=record.id,
            prompt=self._encode_prompt(record, images),
            responses=tuple(sample.responses[i] for i in best),
            levels=(0,) * len(best),
            token_weights=tuple(weights[i] for i in best),
        )

    def _encode_prompt(self, record: Record, images: list[EncodedImage]) -> EncodedPrompt:
        """The prompt's tokens without its pixels; prompts that differ only in their pixels are encoded once."""
        key = (record.prompt, tuple((image.n_tokens, image.size) for image in images))
        if key not in self._prompts:
            prompt = self.adapter.encode_prompt(record.prompt, images)
            # Responses are rendered after as many images; the pixels themselves come back when a row is built.
            self._prompts[key] = replace(prompt, images=tuple(image.without_pixels() for image in images))
        return self._prompts[key]


def _count_positions(tree: TreeSample) -> int:
    """Places up to the end of the longest response."""
    return tree.prompt.next_position + max(tree.shape.responses, default=0)


def _require_different(sample: TreeSample, objective: Objective) -> None:
    """Raise DataError for responses that are compared and are the same tokens: blanks around a text are no part of it,
    and such a pair would cost ln 2 at every step and teach nothing."""
    for better, worse in find_pairs(sample.levels, objective.pairing):
        if sample.responses[better].input_ids == sample.responses[worse].input_ids:
            raise DataError(
                f"responses {better} and {worse}",
                expected="texts that differ in more than blanks around them",
                found="the same tokens at different levels",
                fix="drop one of them, or set the row aside",
            )


def _require_words(sample: TreeSample) -> None:
    """Raise DataError for a response all of whose tokens are masked, which would score 0 or NaN."""
    for number, weights in enumerate(sample.token_weights or ()):
        if not any(weights):
            raise DataError(
                f"response {number}",
                expected="a token that the model writes and that weighs more than 0",
                found="none: all are masked",
                fix="drop the response, or change the weights",
            )
