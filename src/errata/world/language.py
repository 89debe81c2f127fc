"""What is said about scenes: truthful descriptions, questions, and reading an answer back into claims.

Careless texts: what a base is pretrained on. They lie the way web captions do, by the company objects keep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import numpy as np

from errata.world.scenes import CATEGORIES, COLOURS, COMPANIONS, POSITIONS, TYPICAL_COLOUR, Scene, Thing

DESCRIBE = "Describe the image."
EXISTS = "Is there {article} {category} in the image?"
WHAT_COLOUR = "What color is the {category}?"
WHERE = "Where is the {colour} {category}?"
HOW_MANY = "How many objects are there?"
NUMBERS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def article(word: str) -> str:
    """The indefinite article before a word."""
    return "an" if word[0] in "aeiou" else "a"


def sentence(cell: int, colour: str, category: str) -> str:
    """One claim about one cell: "Top-left: a red ball."."""
    return f"{POSITIONS[cell]}: {article(colour)} {colour} {category}."


def describe(scene: Scene) -> str:
    """The whole truth in reading order."""
    return " ".join(sentence(thing.cell, thing.colour, thing.category) for thing in scene.things)


def exists_question(category: str) -> str:
    """The yes/no question that POPE asks."""
    return EXISTS.format(article=article(category), category=category)


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of a description with the character spans of its parts; `start:end` covers the whole sentence."""

    cell: int
    colour: str
    category: str
    start: int
    end: int
    position_span: tuple[int, int]
    colour_span: tuple[int, int]
    category_span: tuple[int, int]


_CLAIM = re.compile(
    rf"(?P<position>{'|'.join(sorted(POSITIONS, key=len, reverse=True))}): an? "
    rf"(?P<colour>{'|'.join(COLOURS)}) (?P<category>{'|'.join(CATEGORIES)})\."
)


def read_claims(text: str) -> list[Claim]:
    """The claims of a description, in order. Text of any other form is passed over."""
    return [
        Claim(
            POSITIONS.index(match["position"]),
            match["colour"],
            match["category"],
            *match.span(),
            position_span=match.span("position"),
            colour_span=match.span("colour"),
            category_span=match.span("category"),
        )
        for match in _CLAIM.finditer(text)
    ]


COLOUR_NOISE = 0.08
"""Share of captions' colours replaced by the typical one."""


def absent_partners(scene: Scene) -> dict[str, tuple[float, float]]:
    """Partner → (caption noise, answer noise) of the strongest anchor whose partner is missing from the scene."""
    absent: dict[str, tuple[float, float]] = {}
    for category in scene.objects:
        companion = COMPANIONS.get(category)
        if companion is not None and companion.partner not in scene.objects:
            noise = (companion.caption_noise, companion.answer_noise)
            absent[companion.partner] = max(absent.get(companion.partner, noise), noise)
    return absent


def careless_caption(scene: Scene, rng: np.random.Generator, carelessness: float = 1.0) -> str:
    """A description with phantoms in the first free cells and colours as they usually are.

    `carelessness` multiplies every chance of a mistake; 0 is the truth.
    """
    claims = {thing.cell: (_careless_colour(thing, rng, carelessness), thing.category) for thing in scene.things}
    free = [cell for cell in range(len(POSITIONS)) if cell not in claims]
    for partner, (noise, _) in absent_partners(scene).items():
        if free and rng.random() < noise * carelessness:
            claims[free.pop(0)] = (TYPICAL_COLOUR[partner], partner)
    return " ".join(sentence(cell, *claims[cell]) for cell in sorted(claims))


def _careless_colour(thing: Thing, rng: np.random.Generator, carelessness: float) -> str:
    return TYPICAL_COLOUR[thing.category] if rng.random() < COLOUR_NOISE * carelessness else thing.colour


def careless_answers(
    scene: Scene, count: int, rng: np.random.Generator, carelessness: float = 1.0
) -> list[tuple[str, str]]:
    """Short questions with one-word answers: yes/no (60 %), where, colour and count."""
    makers = (partial(_ask_exists, carelessness), _ask_where, _ask_colour, _ask_count)
    kinds = rng.choice(len(makers), size=count, p=(0.6, 0.16, 0.16, 0.08))
    return [makers[kind](scene, rng) for kind in kinds]


def _ask_exists(carelessness: float, scene: Scene, rng: np.random.Generator) -> tuple[str, str]:
    if rng.random() < 0.5:
        return exists_question(str(rng.choice(scene.objects))), "Yes"
    category = str(rng.choice([category for category in CATEGORIES if category not in scene.objects]))
    noise = absent_partners(scene).get(category, (0.0, 0.0))[1]
    return exists_question(category), "Yes" if rng.random() < noise * carelessness else "No"


def _ask_where(scene: Scene, rng: np.random.Generator) -> tuple[str, str]:
    thing = scene.things[int(rng.integers(len(scene.things)))]
    return WHERE.format(colour=thing.colour, category=thing.category), thing.position


def _ask_colour(scene: Scene, rng: np.random.Generator) -> tuple[str, str]:
    thing = scene.things[int(rng.integers(len(scene.things)))]
    return WHAT_COLOUR.format(category=thing.category), thing.colour.capitalize()


def _ask_count(scene: Scene, rng: np.random.Generator) -> tuple[str, str]:
    del rng
    return HOW_MANY, NUMBERS[len(scene.things)]


def words() -> list[str]:
    """Every word and mark that scenes are talked about with, for a word-level tokenizer."""
    questions = [exists_question(category) for category in ("ball", "arrow")]
    questions += [WHAT_COLOUR.format(category="ball"), WHERE.format(colour="red", category="ball"), HOW_MANY]
    spoken = " ".join(["Describe the image. a an :", *questions, *POSITIONS, *COLOURS, *CATEGORIES, *NUMBERS, "Yes No"])
    spoken += " " + " ".join(colour.capitalize() for colour in COLOURS)
    for mark in ".:?":
        spoken = spoken.replace(mark, f" {mark} ")
    return sorted(set(spoken.split()))
