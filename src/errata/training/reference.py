"""What rewards are measured against: the reference's log-probs of every token, computed once or at every step.

The weights that learn as they were when a run began, to put in their place for a pass of the reference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from errata.errors import ConfigError
from errata.models import Adapter
from errata.objectives import Objective, aggregate
from errata.training.batches import EncodedRecords
from errata.training.callbacks import Progress
from errata.training.processes import count_processes, find_rank, gather
from errata.training.settings import PreferenceConfig
from errata.trees import ReferenceCache, TreeRow, describe_reference, evaluating


class KeptWeights:
    """A copy of the weights of a model that learn: an adapter's, which are few.

    The copies never take part in a gradient, and autocast does not mistake its casts of them for the policy's: they are
    parameters of their own that do not learn.
    """

    def __init__(self, model: nn.Module) -> None:
        copies: dict[int, nn.Parameter] = {}
        self._places: list[tuple[nn.Module, str, nn.Parameter]] = []
        for module in model.modules():
            for name, value in module._parameters.items():
                if value is not None and value.requires_grad:
                    kept = copies.setdefault(id(value), nn.Parameter(value.detach().clone(), requires_grad=False))
                    self._places.append((module, name, kept))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model computes with the kept weights inside, and with its own again afterwards."""
        own = [module._parameters[name] for module, name, _ in self._places]
        for module, name, kept in self._places:
            module._parameters[name] = kept
        try:
            yield
        finally:
            for (module, name, _), value in zip(self._places, own, strict=True):
                module._parameters[name] = value


Forward = Callable[[nn.Module, TreeRow], Tensor]
"""Token log-probabilities `[T]` of a row under a model, both on the model's device."""

RECORDS_AT_A_TIME = 64
"""Records whose images are in memory together."""


def score_row(logps: Tensor, row: TreeRow, objective: Objective) -> Tensor:
    """One score per response `[R]` of a row's token log-probabilities `[T]`."""
    return aggregate(logps, row.token_weights, row.response_index, row.num_responses, objective.reduction)


class Reference:
    """The reference of a run: a model that was given, or the trained one as it was before its first step.

    With a cache folder every response is scored once, before that step. Without one the reference runs at every step:
    a new adapter is switched off, and of what else learns a copy is kept.

    Args:
        model: The model that was given, or None.
        adapter: The model family.
        objective: Says whether a reference is needed, and makes scores of log-probabilities.
        args: The cache's folder, the device.
        forward: The pass that the policy takes too, so that both round alike.
    """

    def __init__(
        self, model: nn.Module | None, adapter: Adapter, objective: Objective, args: PreferenceConfig, forward: Forward
    ) -> None:
        self._model, self._adapter, self._objective, self._args, self._forward = (
            model,
            adapter,
            objective,
            args,
            forward,
        )
        self._about: dict[str, Any] | None = None
        self._kept: KeptWeights | None = None
        self.layout = "tree"
        """How rows are computed: with a shared prefix, or as separate passes. The policy's way is the reference's."""
        self.policy_has_moved = False
        """Set when training begins: from then on the policy is its own reference no more."""

    def keep_adapter(self, policy: nn.Module) -> None:
        """Take the policy with its adapter as it is now for the reference, unless there is another one or none."""
        if self._model is None and self._objective.needs_reference:
            self._kept = KeptWeights(policy)

    def require_whole(self) -> None:
        """Raise ConfigError where kept weights would have to take the place of ones that are split among processes."""
        if self._kept is not None and self._args.reference_folder is None:
            raise ConfigError(
                "reference_cache",
                expected="a folder: an adapter that is trained further is scored before weights are split",
                found="a reference that runs at every step",
                fix="leave reference_cache out",
            )

    def prepare(
        self,
        policy: nn.Module,
        datasets: Sequence[EncodedRecords],
        progress: Progress,
        numbers: Collection[int] | None = None,
    ) -> None:
        """Score the records that have no scores yet. Call it while the policy still is the reference.

        `numbers` are the records of each data set that are needed; None is all.
        """
        waiting = [data for data in datasets if data.lacks_references(_or_all(numbers, data))]
        if not self._objective.needs_reference or not waiting:
            return
        if self._args.reference_folder is None:
            if not self.policy_has_moved:
                self._keep(policy)
            return
        self._require_reference(policy)
        model = self._place(policy)
        self._about = self._about or self._describe(model)
        with self._args.main_process_first(desc="reference"):  # one process makes the folder
            cache = ReferenceCache(self._args.reference_folder, self._about)
        with evaluating(model):
            for data in waiting:
                needed = _or_all(numbers, data)
                data.references = compute_references(data, cache, partial(self._compute, policy), progress, needed)

    def _describe(self, model: nn.Module) -> dict[str, Any]:
        """What the cache's numbers depend on: the same weights give others under autocast or in another layout."""
        autocast = "bfloat16" if self._args.bf16 else "float16" if self._args.fp16 else None
        with self._as_reference(model):
            # A new adapter is switched off; any other is part of the reference.
            about = describe_reference(model, self._adapter, with_adapter=not self._switches_off(model))
        return about | {"autocast": autocast, "layout": self.layout}

    def compute(self, policy: nn.Module, row: TreeRow) -> Tensor | None:
        """Token log-probabilities `[T]` of a row by a pass of the reference now, or None where none are needed."""
        return self._compute(policy, row) if self._objective.needs_reference else None

    def _compute(self, policy: nn.Module, row: TreeRow) -> Tensor:
        model = self._place(policy)
        with torch.no_grad(), self._as_reference(model):
            return self._forward(model, row.to(self._args.device))

    def _as_reference(self, model: nn.Module) -> AbstractContextManager[Any]:
        """The model computes as the reference inside."""
        if self._kept is not None:
            return self._kept.in_place()
        return model.disable_adapter() if self._switches_off(model) else nullcontext()  # type: ignore[operator]

    def _switches_off(self, model: nn.Module) -> bool:
        """Whether the reference is the policy without its adapter."""
        return self._model is None and self._kept is None and hasattr(model, "disable_adapter")

    def _require_reference(self, policy: nn.Module) -> None:
        if self.policy_has_moved and self._moves(policy):
            raise ConfigError(
                "eval_dataset",
                expected="records that the reference has scored before training",
                found="new records after the weights have changed",
                fix="give them to the trainer as eval_dataset, or pass ref_model",
            )

    def _moves(self, policy: nn.Module) -> bool:
        """Whether nothing is left of the reference once the policy has learnt."""
        return self._model is None and self._kept is None and not hasattr(policy, "disable_adapter")

    def _place(self, policy: nn.Module) -> nn.Module:
        return policy if self._model is None else self._model.to(self._args.device)

    def _keep(self, policy: nn.Module) -> None:
        """Copy a model without adapters as it is."""
        if self._moves(policy):
            self._model = copy.deepcopy(policy)
        if self._model is not None:
            self._model.eval().requires_grad_(False)


def _or_all(numbers: Collection[int] | None, data: EncodedRecords) -> Collection[int]:
    return range(len(data)) if numbers is None else numbers


def compute_references(
    data: EncodedRecords,
    cache: ReferenceCache,
    compute: Callable[[TreeRow], Tensor],
    progress: Progress,
    needed: Collection[int],
) -> list[Tensor | None]:
    """Token log-probabilities `[T]` of each record, from the cache where it has them; processes share the work.

    Args:
        data: The records.
        cache: Read, and filled with what it lacks.
        compute: The reference's token log-probabilities of a row.
        progress: Told how many records are done.
        needed: The numbers of the records to score; the others get None.
    """
    shared = sorted(needed)[find_rank() :: count_processes()]
    numbers = sorted(shared, key=lambda number: -data.lengths[number])
    own: dict[int, np.ndarray[Any, Any]] = {}
    try:
        with progress.count("reference", len(numbers)) as advance:
            for start in range(0, len(numbers), RECORDS_AT_A_TIME):
                for row in data.build_rows(numbers[start : start + RECORDS_AT_A_TIME]):
                    own |= _split(_find_or_compute(cache, row, compute), row, data)
                    advance(len(row.samples))
    finally:
        cache.flush()  # what was computed is kept whatever ended the loop
    everywhere = {number: logps for part in gather(own) for number, logps in part.items()}
    return [torch.from_numpy(everywhere[number]) if number in everywhere else None for number in range(len(data))]


def _find_or_compute(cache: ReferenceCache, row: TreeRow, compute: Callable[[TreeRow], Tensor]) -> Tensor:
    logps = cache.find(row)
    if logps is None:
        logps = compute(row).cpu()
        cache.add(row, logps)
    return logps


def _split(logps: Tensor, row: TreeRow, data: EncodedRecords) -> dict[int, np.ndarray[Any, Any]]:
    """The log-probabilities of each record of a row, by the record's number."""
    starts = [start for start, _ in row.records] + [row.num_responses]
    lengths = [sum(row.target_lengths[start:end]) for start, end in pairwise(starts)]
    pieces = torch.split(logps.float(), lengths)
    return {
        data.find_number(sample.id): piece.numpy().copy() for sample, piece in zip(row.samples, pieces, strict=True)
    }
