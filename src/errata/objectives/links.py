"""What a pair costs, given how far the better response leads: `h` = d(better) − d(worse).

Each link reads the settings it needs; those it has no use for are refused by `Objective`, not ignored.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from errata.objectives.objective import LinkName, Objective

Link = Callable[[Float[Tensor, " P"], Objective], Float[Tensor, " P"]]


def logistic(h: Float[Tensor, " P"], objective: Objective) -> Float[Tensor, " P"]:
    """−log σ(βh − margin), and with smoothing ε the cost of the flipped pair in a share ε of cases."""
    lead, smoothing = objective.beta * h - objective.target_margin, objective.label_smoothing
    # arXiv 2305.18290, equation 7; smoothing as in "A note on DPO with noisy preferences" (Mitchell, 2023), equation 3.
    return -(1 - smoothing) * F.logsigmoid(lead) - smoothing * F.logsigmoid(-lead)


def scaled_logistic(h: Float[Tensor, " P"], objective: Objective) -> Float[Tensor, " P"]:
    """The logistic link of AMP's released code, where smoothing only scales: −(1 − ε)·log σ(βh − margin)."""
    return -(1 - objective.label_smoothing) * F.logsigmoid(objective.beta * h - objective.target_margin)


def hinge(h: Float[Tensor, " P"], objective: Objective) -> Float[Tensor, " P"]:
    """max(0, 1 − βh): nothing more to gain once the better reward leads by 1 (RSO, arXiv 2309.06657)."""
    return F.relu(1 - objective.beta * h)


def squared(h: Float[Tensor, " P"], objective: Objective) -> Float[Tensor, " P"]:
    """(h − 1/(2β))²: pulls the lead to a fixed distance (IPO, arXiv 2310.12036, equation 17; its τ is our β)."""
    return (h - 1 / (2 * objective.beta)).square()


LINKS: dict[LinkName, Link] = {
    "logistic": logistic,
    "scaled_logistic": scaled_logistic,
    "hinge": hinge,
    "squared": squared,
}
