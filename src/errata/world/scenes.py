"""Scenes: what stands where. Their truth is known because they are made, not labelled.

The nouns, colours and places of the synthetic world, and the company its objects keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from errata.errors import ConfigError

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


@dataclass(frozen=True, slots=True)
class Thing:
    """One object. `strength` is its opacity, `scale` its size in cells, `shift` its offset in cells (right, down)."""

    category: str
    colour: str
    cell: int
    strength: float
    scale: float
    shift: tuple[float, float]

    @property
    def position(self) -> str:
        """The word for its cell."""
        return POSITIONS[self.cell]


@dataclass(frozen=True, slots=True)
class Scene:
    """Things in reading order, one a cell, and what blurs the view: smudges (cell, colour, opacity) and pixel noise."""

    id: str
    things: tuple[Thing, ...]
    smudges: tuple[tuple[int, str, float], ...]
    noise: float
    seed: int

    @property
    def objects(self) -> tuple[str, ...]:
        """The categories present, each once, in reading order."""
        return tuple(dict.fromkeys(thing.category for thing in self.things))


@dataclass(frozen=True, slots=True)
class Setting:
    """Where scenes come from. `companionship` is the chance that an anchor's partner really stands in the scene."""

    companionship: float
    anchor_share: float = 0.35
    faint_share: float = 0.1
    smudge_share: float = 0.25


TRAINING = Setting(companionship=0.75)
"""The scenes behind the captions that a base is pretrained on: partners are mostly there."""
CORRECTION = Setting(companionship=0.45)
"""Scenes whose descriptions people correct."""
EVALUATION = Setting(companionship=0.48)
"""Scenes that answers are measured on: the company is broken more often than kept."""


def sample_scenes(name: str, count: int, seed: int, setting: Setting) -> list[Scene]:
    """Draw scenes. `name` and `seed` fix them all: scene `i` does not depend on `count`.

    Raises:
        ConfigError: A count below 1 or a seed below 0.
    """
    for what, value, least in (("count", count, 1), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(what, expected=f"at least {least}", found=str(value), fix="change the value")
    key = int.from_bytes(name.encode(), "little") % (2**63)
    return [
        _sample_scene(f"{name}-{seed}-{i:05d}", np.random.default_rng((key, seed, i)), setting) for i in range(count)
    ]


def _sample_scene(scene_id: str, rng: np.random.Generator, setting: Setting) -> Scene:
    categories = _sample_categories(rng, setting)
    cells = rng.choice(len(POSITIONS), size=len(POSITIONS), replace=False)
    taken, free = sorted(int(cell) for cell in cells[: len(categories)]), cells[len(categories) :]
    rng.shuffle(categories)
    things = tuple(
        _sample_thing(category, cell, rng, setting) for category, cell in zip(categories, taken, strict=True)
    )
    smudges = tuple(
        (int(cell), str(rng.choice(COLOURS)), float(rng.uniform(0.1, 0.3)))
        for cell in free[:2]
        if rng.random() < setting.smudge_share
    )
    return Scene(scene_id, things, smudges, noise=float(rng.uniform(0.01, 0.06)), seed=int(rng.integers(2**31)))


def _sample_categories(rng: np.random.Generator, setting: Setting) -> list[str]:
    """Two to five categories, mostly different: an anchor or a stranger first, partners by companionship."""
    count = int(rng.integers(2, 6))
    chosen: list[str] = []
    refused: set[str] = set()
    while len(chosen) < count:
        anchors = [category for category in COMPANIONS if category not in refused]
        strangers = _STRANGER_WEIGHTS * [category not in refused for category in CATEGORIES]
        if rng.random() < setting.anchor_share:
            category = str(rng.choice(anchors))
        else:
            category = str(rng.choice(CATEGORIES, p=strangers / strangers.sum()))
        if category in chosen and rng.random() < 0.7:
            continue
        chosen.append(category)
        companion = COMPANIONS.get(category)
        if companion is None or companion.partner in chosen or companion.partner in refused:
            continue
        if rng.random() < setting.companionship:
            chosen.append(companion.partner)
        else:
            refused.add(companion.partner)
    return chosen[: max(count, 2)]


_STRANGER_WEIGHTS = np.array([FREQUENCY.get(category, 1.0) for category in CATEGORIES])


def _sample_thing(category: str, cell: int, rng: np.random.Generator, setting: Setting) -> Thing:
    typical = rng.random() < 0.3
    colour = TYPICAL_COLOUR[category] if typical else str(rng.choice(COLOURS))
    strength = rng.uniform(0.3, 0.5) if rng.random() < setting.faint_share else rng.uniform(0.75, 1.0)
    shift = (float(rng.uniform(-0.06, 0.06)), float(rng.uniform(-0.06, 0.06)))
    return Thing(category, colour, cell, float(strength), float(rng.uniform(0.68, 0.9)), shift)
