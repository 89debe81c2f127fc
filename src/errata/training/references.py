"""The reference's score of every response, once, before the first step."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor
from tqdm.auto import tqdm

from errata.objectives import Objective, aggregate
from errata.training.batches import EncodedRecords
from errata.trees import ReferenceCache, TreeRow

RECORDS_AT_A_TIME = 64
"""Records whose images are in memory together."""


def score_row(logps: Tensor, row: TreeRow, objective: Objective) -> Tensor:
    """One score per response `[R]` of a row's token log-probabilities `[T]`."""
    return aggregate(logps, row.token_weights, row.response_index, row.num_responses, objective.reduction)


def compute_references(
    data: EncodedRecords,
    cache: ReferenceCache,
    objective: Objective,
    compute: Callable[[TreeRow], Tensor],
    *,
    progress: bool = False,
) -> list[Tensor]:
    """Scores `[R]` of each record, from the cache where it has them; processes share the work and all get all.

    Args:
        data: The records.
        cache: Read, and filled with what it lacks.
        objective: Its aggregate makes scores of token log-probabilities.
        compute: The reference's token log-probabilities of a row, on the CPU.
        progress: Show a bar.
    """
    numbers = sorted(range(_rank(), len(data), _processes()), key=lambda number: -data.lengths[number])
    scores: dict[int, list[float]] = {}
    bar = tqdm(total=len(numbers), desc="Reference", unit="record", disable=not progress)
    try:
        for start in range(0, len(numbers), RECORDS_AT_A_TIME):
            for row in data.build_rows(numbers[start : start + RECORDS_AT_A_TIME]):
                scores |= _split(score_row(_find_or_compute(cache, row, compute), row, objective), row, data)
                bar.update(len(row.samples))
    finally:
        bar.close()
        cache.flush()  # what was computed is kept whatever ended the loop
    everywhere = _gather(scores)
    return [torch.tensor(everywhere[number]) for number in range(len(data))]


def _find_or_compute(cache: ReferenceCache, row: TreeRow, compute: Callable[[TreeRow], Tensor]) -> Tensor:
    logps = cache.find(row)
    if logps is None:
        logps = compute(row)
        cache.add(row, logps)
    return logps


def _split(scores: Tensor, row: TreeRow, data: EncodedRecords) -> dict[int, list[float]]:
    values = scores.tolist()
    return {
        data.find_number(sample.id): values[start : start + len(levels)]
        for sample, (start, levels) in zip(row.samples, row.records, strict=True)
    }


def _rank() -> int:
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def _processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _gather(scores: dict[int, list[float]]) -> dict[int, list[float]]:
    if _processes() == 1:
        return scores
    parts: list[dict[int, list[float]]] = [{} for _ in range(_processes())]
    dist.all_gather_object(parts, scores)
    return {number: values for part in parts for number, values in part.items()}
