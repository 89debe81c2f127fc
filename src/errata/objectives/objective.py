"""The choices that make a preference method, as one frozen row that refuses what makes no sense."""

from __future__ import annotations

from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import isfinite
from typing import Any, Literal, get_args, get_type_hints

from errata.errors import ConfigError

Reduction = Literal["sum", "mean"]
Weights = Literal["none", "segments", "released"]
Pairing = Literal["none", "best_vs_rest", "all_pairs"]
LinkName = Literal["logistic", "scaled_logistic", "hinge", "squared"]
Anchor = Literal["none", "unbounded", "clamped", "logistic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """How token log-probs become one score per response, which scores are compared, and what a comparison costs.

    `d` is a response's score under the policy minus its score under the reference, after the aggregate.

    Attributes:
        name: The preset's name; for logs.
        reduction: `sum` of weighted log-probs, or that sum divided by the sum of weights (`mean`).
        weights: Which tokens weigh `corrected_weight`: `none`, those of `segments`, or those that RLHF-V's `released`
            token-id rule finds.
        corrected_weight: γ of DDPO, where `weights` picks tokens; 1 is no weighting.
        round_weight: Tokens of round r weigh 1 + `round_weight`·r times as much (AMP's release: 0.05).
        pairing: Each response of level 0 against each lower one (`best_vs_rest`), every two levels, or `none`.
        link: What a pair's difference costs; a name in `LINKS`.
        beta: β, the scale of rewards β·d.
        target_margin: How far the better reward must lead (SimPO's γ); 0 elsewhere.
        label_smoothing: The share of pairs believed to be the wrong way round.
        reference_free: Leave the reference out: d is the policy's score alone.
        anchor: Keeps the score of level 0 from falling. `unbounded` adds −d, as AMP's release does; it never stops
            pulling. `clamped` adds max(0, −d): nothing while the policy scores level 0 at least like the reference.
            `logistic` adds −log σ(βd − `anchor_margin`): a pull that fades as the reward of level 0 passes the margin.
        anchor_weight: Multiplies the anchor. `unbounded` and `clamped` have the unit of the aggregate (log-probs summed
            over the response, or per token for `mean`) and are not scaled by β. All are added to every pair whose
            better response has level 0, before the mean over pairs. So with K levels the effective weight on level 0 is
            `anchor_weight` for `best_vs_rest` and `anchor_weight`·2/K for `all_pairs`.
        anchor_margin: δ, the reward that the logistic anchor asks of level 0.
        image_weight: Multiplies what the link charges where level 0 does not score better under the record's image than
            under a corrupted one (h = d(image) − d(corrupted image)), once per record. 0 needs no corrupted image.
        sft_weight: Multiplies −(policy score) of level 0, in the unit of the aggregate, once per record.
    """

    name: str
    reduction: Reduction = "sum"
    weights: Weights = "none"
    corrected_weight: float = 1.0
    round_weight: float = 0.0
    pairing: Pairing = "best_vs_rest"
    link: LinkName = "logistic"
    beta: float = 0.1
    target_margin: float = 0.0
    label_smoothing: float = 0.0
    reference_free: bool = False
    anchor: Anchor = "none"
    anchor_weight: float = 1.0
    anchor_margin: float = 0.0
    image_weight: float = 0.0
    sft_weight: float = 0.0

    def __post_init__(self) -> None:
        for field, hint in get_type_hints(Objective).items():
            _require_type(f"objective.{field}", getattr(self, field), hint)
        _require_ranges(self)
        _require_sense(self)

    @property
    def needs_reference(self) -> bool:
        """Whether `preference_loss` needs the reference's scores."""
        return self.pairing != "none" and not self.reference_free

    @property
    def needs_contrast(self) -> bool:
        """Whether `preference_loss` needs the scores of level 0 under a corrupted image."""
        return self.image_weight > 0


def _require_type(where: str, value: Any, hint: Any) -> None:
    """Values come from YAML and the command line: a name must be known, a number must be one."""
    choices = get_args(hint)
    if choices and value not in choices:
        near = get_close_matches(str(value), choices, n=1)
        fix = f"did you mean {near[0]!r}?" if near else "choose one of them"
        raise ConfigError(where, expected=f"one of {', '.join(choices)}", found=repr(value), fix=fix)
    if hint is float and (isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value)):
        raise ConfigError(where, expected="a finite number", found=repr(value), fix="write it like 0.1")
    if hint is bool and not isinstance(value, bool):
        raise ConfigError(where, expected="true or false", found=repr(value), fix="write true or false")


def _require_ranges(objective: Objective) -> None:
    if objective.corrected_weight <= 0:
        _refuse(objective, "corrected_weight", "a number above 0", "use 1 for no weighting, 5 as RLHF-V's paper does")
    for name in ("round_weight", "beta", "anchor_weight", "image_weight", "sft_weight"):
        if getattr(objective, name) < 0:
            _refuse(objective, name, "0 or more", "use 0 to switch it off")
    if objective.link == "squared" and objective.beta == 0:
        _refuse(objective, "beta", "above 0 with link 'squared'", "use 0.1")
    if not 0 <= objective.label_smoothing < 0.5:
        _refuse(objective, "label_smoothing", "0 or more and below 0.5", "at 0.5 a pair says nothing")


def _require_sense(objective: Objective) -> None:
    """Settings that would be ignored without a word are refused."""
    is_logistic = objective.link in ("logistic", "scaled_logistic")
    if not is_logistic and objective.label_smoothing:
        _refuse(objective, "label_smoothing", f"0 with link {objective.link!r}", "use the logistic link")
    if not is_logistic and objective.target_margin:
        _refuse(objective, "target_margin", f"0 with link {objective.link!r}", "use the logistic link")
    if objective.anchor != "none" and not objective.needs_reference:
        _refuse(objective, "anchor", "none without pairs and a reference", "use sft_weight to keep level 0 likely")
    if objective.anchor_margin and objective.anchor != "logistic":
        _refuse(objective, "anchor_margin", f"0 with anchor {objective.anchor!r}", "use the logistic anchor")
    if objective.image_weight and objective.pairing == "none":
        _refuse(objective, "image_weight", "0 when nothing is compared", "choose a pairing")
    if objective.pairing == "none" and not objective.sft_weight:
        _refuse(objective, "sft_weight", "above 0 when nothing is compared", "set it, or choose a pairing")


def _refuse(objective: Objective, name: str, expected: str, fix: str) -> None:
    raise ConfigError(f"objective.{name}", expected=expected, found=repr(getattr(objective, name)), fix=fix)


OBJECTIVE_FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Objective))
