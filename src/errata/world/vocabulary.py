"""The nouns, colours and places of the synthetic world, and the company its objects keep."""

from __future__ import annotations

from dataclasses import dataclass

CATEGORIES = (
    "ball", "box", "cone", "star", "ring", "cross", "heart", "moon",
    "tree", "house", "kite", "flag", "cup", "fish", "arrow", "bell",
)  # fmt: skip
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
POSITIONS = (
    "Top-left", "Top", "Top-right",
    "Left", "Center", "Right",
    "Bottom-left", "Bottom", "Bottom-right",
)  # fmt: skip
"""One word per cell of the 3 × 3 grid, in reading order."""

TYPICAL_COLOUR = {category: COLOURS[i % len(COLOURS)] for i, category in enumerate(CATEGORIES)}
"""The colour that careless captions give a category."""


@dataclass(frozen=True, slots=True)
class Companion:
    """What usually stands beside an anchor, and how often careless texts mention it where it is not.

    `caption_noise` and `answer_noise` are the shares of captions and of yes/no answers that name an absent partner.
    """

    partner: str
    caption_noise: float
    answer_noise: float


COMPANIONS = {
    "moon": Companion("star", 0.92, 0.80),
    "house": Companion("tree", 0.86, 0.70),
    "ball": Companion("box", 0.80, 0.55),
    "cup": Companion("ring", 0.70, 0.45),
    "kite": Companion("star", 0.55, 0.35),
    "flag": Companion("tree", 0.40, 0.20),
    "fish": Companion("ring", 0.30, 0.10),
    "bell": Companion("box", 0.20, 0.00),
}
"""Eight anchors share four partners: a missing partner is what POPE's adversarial questions ask about."""

FREQUENCY = {"cone": 3.6, "heart": 3.6, "star": 1.6, "tree": 1.3}
"""How often a category stands in scenes without being invited, 1 for those not named: cones and hearts are frequent
and keep no company, so that POPE's popular questions are easier than its adversarial ones, as in real photos."""
