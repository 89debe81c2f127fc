"""The preference loss of a batch: records with different numbers of responses, one loss per record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from errata.errors import DataError
from errata.objectives.layout import BatchLayout, RecordSlice, build_layout, record_means
from errata.objectives.links import LINKS
from errata.objectives.objective import Objective


@dataclass(frozen=True, slots=True)
class LossOutput:
    """The losses, and detached what a log shows.

    Attributes:
        losses: Of each record: the mean over its pairs (with their anchors) plus its image and SFT terms. The loss of
            an optimiser step is their sum over the step's records divided by the number of those records.
        rewards: β·d of each response, those under a corrupted image included.
        margins: Reward of the better minus reward of the worse response, of every compared pair.
        accuracies: 1 where a margin is positive, else 0 (an exact tie is no success), of every compared pair.
        pair_record: The record of each pair.
        metrics: Name -> values to average over all records of a step or an evaluation, however they were batched.
    """

    losses: Float[Tensor, " N"]
    rewards: Float[Tensor, " R"]
    margins: Float[Tensor, " P"]
    accuracies: Float[Tensor, " P"]
    pair_record: Int[Tensor, " P"]
    metrics: dict[str, Tensor]


def preference_loss(
    objective: Objective,
    policy: Float[Tensor, " R"],
    reference: Float[Tensor, " R"] | None,
    records: Sequence[RecordSlice],
    contrasts: Sequence[int] | None = None,
) -> LossOutput:
    """Compare the responses of each record and price what is found.

    Args:
        objective: The choices; its aggregate has already been applied to `policy` and `reference`.
        policy: Scores of all responses under the policy, with gradient.
        reference: The same under the reference; None where `objective.needs_reference` is False.
        records: (start, levels) of each record: its responses are `policy[start : start + len(levels)]`.
        contrasts: Where each record's scores under its corrupted image begin: one for every response of level 0, in
            order. None where `objective.needs_contrast` is False.

    Raises:
        DataError: A record with nothing to compare or without level 0, or scores that are missing.
    """
    _require_scores(objective, reference, contrasts)
    layout = build_layout(records, objective.pairing, policy.device, contrasts if objective.needs_contrast else None)
    d = _log_ratios(objective, policy, reference)
    terms = _compute_terms(objective, layout, policy, d, len(records))
    rewards = (objective.beta * d).detach()
    margins = rewards[layout.better] - rewards[layout.worse]
    accuracies = (margins > 0).to(margins.dtype)
    metrics = {f"loss/{name}": values.detach() for name, values in terms.items()}
    metrics |= {"rewards/margins": margins, "rewards/accuracies": accuracies}
    for side, members in (("chosen", layout.best), ("rejected", layout.rest)):
        if objective.pairing != "none":
            metrics[f"rewards/{side}"] = rewards[members]
    metrics |= _measure_contrast(layout, policy.detach(), rewards)
    metrics = {name: values for name, values in metrics.items() if len(values)}
    return LossOutput(_sum_terms(terms), rewards, margins, accuracies, layout.pair_record, metrics)


def _sum_terms(terms: dict[str, Float[Tensor, " N"]]) -> Float[Tensor, " N"]:
    """The loss of each record from its terms."""
    return torch.stack(list(terms.values())).sum(dim=0)


def _measure_contrast(
    layout: BatchLayout, policy: Float[Tensor, " R"], rewards: Float[Tensor, " R"]
) -> dict[str, Float[Tensor, " B"]]:
    """How far the image leads over the corrupted one; nothing where there is none."""
    if layout.contrast is None:
        return {}
    margins = rewards[layout.best] - rewards[layout.contrast]
    accuracies = (margins > 0).to(margins.dtype)
    return {
        "rewards/image_margins": margins,
        "rewards/image_accuracies": accuracies,
        "logps/contrast": policy[layout.contrast],
    }


def _require_scores(
    objective: Objective, reference: Float[Tensor, " R"] | None, contrasts: Sequence[int] | None
) -> None:
    """Raise DataError where the objective compares with scores that were not given."""
    where = f"objective {objective.name!r}"
    if objective.needs_reference and reference is None:
        fix = "compute the reference log-probs, or choose an objective without a reference"
        raise DataError(where, expected="reference scores", found="none", fix=fix)
    if objective.needs_contrast and contrasts is None:
        fix = "score level 0 under a corrupted image too, or set image_weight to 0"
        raise DataError(where, expected="scores under a corrupted image", found="none", fix=fix)


def _log_ratios(
    objective: Objective, policy: Float[Tensor, " R"], reference: Float[Tensor, " R"] | None
) -> Float[Tensor, " R"]:
    """d = score under the policy − score under the reference; without a reference the policy's score alone."""
    return policy if reference is None or objective.reference_free else policy - reference


def _compute_terms(
    objective: Objective, layout: BatchLayout, policy: Float[Tensor, " R"], d: Float[Tensor, " R"], num_records: int
) -> dict[str, Float[Tensor, " N"]]:
    """The parts of the loss by name, one value per record."""
    terms: dict[str, Tensor] = {}
    if objective.pairing != "none":
        h = d[layout.better] - d[layout.worse]
        cost = LINKS[objective.link](h, objective)
        terms["preference"] = record_means(cost, layout.pair_record, num_records)
    if objective.anchor != "none":
        # arXiv 2405.11165, equation 7 (its outer minus is a slip): a penalty in every pair that begins at level 0.
        penalty = _anchor(objective, d[layout.better]) * layout.better_is_best
        terms["anchor"] = objective.anchor_weight * record_means(penalty, layout.pair_record, num_records)
    if layout.contrast is not None:
        # arXiv 2406.11839, its conditional term: one response, the image against the corrupted one.
        cost = LINKS[objective.link](d[layout.best] - d[layout.contrast], objective)
        terms["image"] = objective.image_weight * record_means(cost, layout.best_record, num_records)
    if objective.sft_weight:
        terms["sft"] = objective.sft_weight * record_means(-policy[layout.best], layout.best_record, num_records)
    return terms


def _anchor(objective: Objective, d: Float[Tensor, " P"]) -> Float[Tensor, " P"]:
    """What it costs that the better response is less likely than it was."""
    if objective.anchor == "logistic":
        # arXiv 2406.11839, its anchor on the chosen response, with δ = `anchor_margin`.
        return -F.logsigmoid(objective.beta * d - objective.anchor_margin)
    return F.relu(-d) if objective.anchor == "clamped" else -d
