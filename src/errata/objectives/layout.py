"""Where the compared responses of a batch stand, as index tensors: the loss then needs no loop over records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from errata.errors import DataError
from errata.objectives.objective import Pairing
from errata.objectives.pairing import find_pairs

RecordSlice = tuple[int, Sequence[int]]
"""Where a record's responses start in the batch, and their levels."""


@dataclass(frozen=True, slots=True)
class BatchLayout:
    """The pairs and the responses of a batch; B responses have level 0, W a lower one.

    Attributes:
        better, worse: Positions of each pair's responses in the batch.
        pair_record: The record of each pair.
        better_is_best: Whether the better response of the pair has level 0.
        best, best_record: Positions and records of the responses of level 0.
        rest: Positions of the others.
        contrast: Where the scores of `best` under the corrupted image stand; None where there are none.
    """

    better: Int[Tensor, " P"]
    worse: Int[Tensor, " P"]
    pair_record: Int[Tensor, " P"]
    better_is_best: Bool[Tensor, " P"]
    best: Int[Tensor, " B"]
    best_record: Int[Tensor, " B"]
    rest: Int[Tensor, " W"]
    contrast: Int[Tensor, " B"] | None = None


def build_layout(
    records: Sequence[RecordSlice], pairing: Pairing, device: torch.device, contrasts: Sequence[int] | None = None
) -> BatchLayout:
    """Lay out a batch; `contrasts` says where each record's scores under its corrupted image begin.

    Raises:
        DataError: A record without level 0 or with nothing to compare.
    """
    pairs: list[tuple[int, int, int, bool]] = []
    best: list[tuple[int, int]] = []
    rest: list[int] = []
    for record, (start, levels) in enumerate(records):
        found = find_pairs(levels, pairing)
        _require_use(record, levels, found, pairing)
        pairs += [(start + better, start + worse, record, levels[better] == 0) for better, worse in found]
        best += [(start + i, record) for i, level in enumerate(levels) if level == 0]
        rest += [start + i for i, level in enumerate(levels) if level > 0]

    def to_index(numbers: Sequence[int]) -> Int[Tensor, " X"]:
        return torch.tensor(numbers, dtype=torch.long, device=device)

    better, worse, pair_record, better_is_best = (to_index([pair[i] for pair in pairs]) for i in range(4))
    best_at, best_record = (to_index([item[i] for item in best]) for i in range(2))
    contrast = None if contrasts is None else to_index(_follow(contrasts, [record for _, record in best]))
    return BatchLayout(
        better, worse, pair_record, better_is_best.bool(), best_at, best_record, to_index(rest), contrast
    )


def _follow(starts: Sequence[int], owners: Sequence[int]) -> list[int]:
    """Positions that count on from `starts[owner]`, one for every occurrence of the owner."""
    positions = [iter(count(start)) for start in starts]
    return [next(positions[owner]) for owner in owners]


def record_means(values: Float[Tensor, " X"], record: Int[Tensor, " X"], num_records: int) -> Float[Tensor, " N"]:
    """The mean of each record's values; 0 for a record without any."""
    counts = torch.bincount(record, minlength=num_records).clamp(min=1)
    return values.new_zeros(num_records).index_add(0, record, values) / counts


def _require_use(record: int, levels: Sequence[int], pairs: Sequence[tuple[int, int]], pairing: Pairing) -> None:
    where, found = f"record {record} of the batch", f"levels {list(levels)}"
    if 0 not in levels:
        raise DataError(where, expected="a response of level 0", found=found, fix="number levels from 0, best first")
    if pairing != "none" and not pairs:
        raise DataError(
            where,
            expected="two responses of different levels to compare",
            found=found,
            fix="drop the record, or train on it with the objective 'sft'",
        )
