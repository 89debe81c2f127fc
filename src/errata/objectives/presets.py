"""Every method as one row of choices. A new method is a row here and, if its cost is new, one function in `links`."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from errata.errors import ConfigError
from errata.objectives.objective import OBJECTIVE_FIELDS, Objective

_ROWS = (
    # The likelihood of level 0, per token; the baseline every preference method is compared with.
    Objective(name="sft", reduction="mean", pairing="none", sft_weight=1.0),
    # arXiv 2305.18290, equation 7.
    Objective(name="dpo", beta=0.1),
    # arXiv 2312.00849 (RLHF-V), equation 5 and section 3.2: β 0.5, γ 5, divided by the sum of weights.
    Objective(name="ddpo", reduction="mean", weights="segments", corrected_weight=5.0, beta=0.5),
    # RLHF-V's released command: β 0.1, γ 1.1, a plain weighted sum, tokens found by its own rule.
    Objective(name="ddpo-release", weights="released", corrected_weight=1.1, beta=0.1),
    # arXiv 2405.11165 (AMP), equation 7; the paper states no β, its code's default is 0.1.
    Objective(name="mdpo", pairing="all_pairs", beta=0.1, anchor="unbounded"),
    # AMP's released code: later rounds weigh more, label smoothing only scales.
    Objective(
        name="mdpo-release",
        pairing="all_pairs",
        link="scaled_logistic",
        beta=0.1,
        anchor="unbounded",
        round_weight=0.05,
    ),
    # Ours: RLHF-V's segment weights on AMP's levels, with an anchor that stops pulling once level 0 is kept.
    Objective(
        name="dense-mdpo",
        reduction="mean",
        weights="segments",
        corrected_weight=5.0,
        pairing="all_pairs",
        beta=0.5,
        anchor="clamped",
    ),
    # RLAIF-V's released code trains plain DPO on its pairs; what is new lies in the data.
    Objective(name="rlaifv", beta=0.1),
    # arXiv 2406.11839: DPO, the best response under its image against a corrupted one, an anchor; each with weight 1.
    Objective(name="conditional-dpo", beta=0.1, image_weight=1.0, anchor="logistic"),
    # arXiv 2310.12036, equation 17; τ is our β. Log-probs per token, so that τ does not depend on length.
    Objective(name="ipo", reduction="mean", link="squared", beta=0.1),
    # SLiC's hinge (arXiv 2305.10425) on log-ratios, as RSO (arXiv 2309.06657) uses it.
    Objective(name="hinge", link="hinge", beta=0.1),
    # arXiv 2405.14734 (SimPO), equation 6: no reference, per token, a target margin; values from the paper's ranges.
    Objective(name="simpo", reduction="mean", reference_free=True, beta=2.0, target_margin=1.0),
)

PRESETS: dict[str, Objective] = {row.name: row for row in _ROWS}


def build_objective(name: str, **overrides: Any) -> Objective:
    """The preset `name` with some of its choices changed.

    Raises:
        ConfigError: An unknown preset, choice or value, with the nearest name.
    """
    if name not in PRESETS:
        raise _unknown("objective", name, tuple(PRESETS))
    for key in overrides:
        if key not in OBJECTIVE_FIELDS:
            raise _unknown(f"objective.{key}", key, OBJECTIVE_FIELDS)
    return replace(PRESETS[name], **overrides)


def _unknown(where: str, name: str, known: tuple[str, ...]) -> ConfigError:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    fix = f"did you mean {near[0]!r}?" if near else "choose one of them"
    return ConfigError(where, expected=f"one of {', '.join(known)}", found=repr(name), fix=fix)
