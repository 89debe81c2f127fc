"""From a micro-batch's record numbers to rows on a device."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from errata.data import Portion
from errata.models import EncodedImage
from errata.training.encode import EncodedRecord, LoadCorrupted, LoadPixels, key_image, refuse_corrupted
from errata.training.sampler import MicroBatch
from errata.trees import TreeRow, TreeSample, build_rows


@dataclass(frozen=True, slots=True)
class StepShare:
    """What one process computes between two accumulations: rows, and each row's reference log-probs `[T]` (or None).

    The loss of the share is the sum over its records divided by `step_records`; a filler's counts for nothing.
    """

    rows: tuple[TreeRow, ...]
    references: tuple[Tensor | None, ...]
    step_records: int
    filler: bool

    def to(self, device: torch.device | str, non_blocking: bool = False) -> StepShare:  # noqa: ARG002 - accelerate says it
        """The share with its tensors on a device."""
        rows = tuple(row.to(device) for row in self.rows)
        references = tuple(None if logps is None else logps.to(device) for logps in self.references)
        return replace(self, rows=rows, references=references)


class EncodedRecords(Dataset[StepShare]):
    """Encoded records that micro-batches are drawn from.

    Args:
        records: The records, in order.
        load_pixels: Where images come from.
        max_tokens_per_row: Tokens of one row.
        portions: How often an epoch of training sees them, where not once each.
        load_corrupted: Where the images of contrasts come from.
    """

    def __init__(
        self,
        records: Sequence[EncodedRecord],
        load_pixels: LoadPixels,
        max_tokens_per_row: int,
        portions: Sequence[Portion] = (),
        load_corrupted: LoadCorrupted = refuse_corrupted,
    ) -> None:
        self._load_corrupted = load_corrupted
        self.records, self._load_pixels, self._max_tokens_per_row = list(records), load_pixels, max_tokens_per_row
        self.portions = tuple(portions)
        self._numbers = {record.sample.id: number for number, record in enumerate(records)}
        self.lengths = [record.sample.total for record in records]
        """Tokens of each record in a row."""
        self.references: list[Tensor | None] | None = None
        """The reference's log-probs of every scored token `[T]`, by record, None for one that is not needed; None
        where there are none at all or they are computed at every step."""

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, batch: MicroBatch) -> StepShare:
        rows = tuple(self.build_rows(batch.records))
        references = tuple(self._gather_references(row) for row in rows)
        return StepShare(rows, references, batch.step_records, batch.filler)

    def build_rows(self, numbers: Sequence[int]) -> list[TreeRow]:
        """Rows of these records."""
        return build_rows([self.build_sample(number) for number in numbers], self._max_tokens_per_row)

    def build_sample(self, number: int) -> TreeSample:
        """A record's sample with its pixels."""
        record = self.records[number]
        names, among = record.images, len(record.images)
        sample = _put_images(record.sample, [self._load_pixels(name, among) for name in names])
        if sample.contrast is None:
            return sample
        corrupted = [self._load_corrupted(name, among, key_image(sample.id, i)) for i, name in enumerate(names)]
        return replace(sample, contrast=_put_images(sample.contrast, corrupted))

    @property
    def longest_best(self) -> float:
        """The largest sum of token weights of a response of level 0."""
        return max(sum(weights) for record in self.records for weights in _weights_of_best(record.sample))

    def find_number(self, record_id: str) -> int:
        """Where the record of this id stands."""
        return self._numbers[record_id]

    def lacks_references(self, numbers: Collection[int]) -> bool:
        """Whether one of these records has no log-probs of the reference."""
        return self.references is None or any(self.references[number] is None for number in numbers)

    def _gather_references(self, row: TreeRow) -> Tensor | None:
        if self.references is None:
            return None
        found = [self.references[self.find_number(sample.id)] for sample in row.samples]
        if any(one is None for one in found):
            # Loaders fetch a batch ahead, also of a step that is not taken. NaN would stop one that is.
            return torch.full((len(row.token_weights),), torch.nan)
        return torch.cat([one for one in found if one is not None])


def _put_images(sample: TreeSample, images: Sequence[EncodedImage]) -> TreeSample:
    return replace(sample, prompt=replace(sample.prompt, images=tuple(images)))


def _weights_of_best(sample: TreeSample) -> list[Sequence[float]]:
    weights = sample.token_weights or [[1.0] * len(response.input_ids) for response in sample.responses]
    return [own for own, level in zip(weights, sample.levels, strict=True) if level == 0]


def list_parts(dataset: Any) -> list[EncodedRecords]:
    """The data sets of an argument that may be one, several by name, the name of one, or none."""
    parts = dataset.values() if isinstance(dataset, dict) else [dataset]
    return [part for part in parts if isinstance(part, EncodedRecords)]


def take_share(items: list[StepShare]) -> dict[str, StepShare]:
    """Collate: a batch has one item, which is all of it."""
    return {"share": items[0]}
