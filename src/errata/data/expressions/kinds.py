"""Kinds of values in a filter, known before a record is read, and what each operator does with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from errata.records import Record

Kind = Literal["text", "number", "truth", "texts", "numbers", "null", "any"]

NAMES: dict[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "truth": "true or false",
    "texts": "a list of texts",
    "numbers": "a list of numbers",
    "null": "null",
    "any": "any value",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a filter: the kind of its value, the character it begins at, and its value for a record."""

    kind: Kind
    at: int
    value: Callable[[Record], Any]
    constant: Any = None


def can_be(kind: Kind, *wanted: Kind) -> bool:
    """Whether a value of this kind can be one of those; of `any`, nothing is known before a record is read."""
    return kind == "any" or kind in wanted


def are_equal(left: Any, right: Any) -> bool:
    """Equality in which true is not 1."""
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(are_equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def compare_order(left: Any, right: Any, operator: Callable[[Any, Any], bool]) -> bool:
    """An order between two numbers or two texts; between anything else, false."""
    both_texts = isinstance(left, str) and isinstance(right, str)
    return (both_texts or (is_number(left) and is_number(right))) and bool(operator(left, right))


def is_number(value: Any) -> bool:
    """Whether this is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def holds(container: Any, item: Any) -> bool:
    """Whether a text has a part, or a list an item."""
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    return isinstance(container, (list, tuple)) and any(are_equal(one, item) for one in container)


def build_search(pattern: str) -> Callable[[Any], bool]:
    """A search for a regular expression in a text, or in any text of a list.

    The engine is RE2 (through Arrow): its time grows with the text alone, whatever the pattern.

    Raises:
        ValueError: The engine does not understand the pattern.
    """
    options = pc.MatchSubstringOptions(pattern)

    def search(value: Any) -> bool:
        texts = [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
        array = pa.array([text for text in texts if isinstance(text, str)], pa.string())
        return bool(pc.any(pc.match_substring_regex(array, options=options)).as_py())

    search([""])
    return search
