"""What is said about scenes: truthful descriptions, questions, and reading an answer back into claims."""

from __future__ import annotations

import re
from dataclasses import dataclass

from errata.world.scenes import Scene
from errata.world.vocabulary import CATEGORIES, COLOURS, POSITIONS

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
