"""What a filter can name: the fields of a record and the functions of values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from errata.data.segments import measure_edit_ratio
from errata.records import IMAGE_PLACEHOLDER, Record, Response

UNTYPED = "untyped"
"""What a filter calls a segment without a type."""

Kind = Literal["text", "number", "truth", "texts", "numbers", "null", "any"]
"""What a value is, known before a record is read."""

KINDS: dict[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "truth": "true or false",
    "texts": "a list of texts",
    "numbers": "a list of numbers",
    "null": "null",
    "any": "any value",
}
TEXTS: tuple[Kind, ...] = ("text", "texts")
LISTS: tuple[Kind, ...] = ("texts", "numbers")


def are_equal(left: Any, right: Any) -> bool:
    """Equality in which true is not 1."""
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(are_equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def is_number(value: Any) -> bool:
    """Whether this is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _join(response: Response) -> str:
    return "\n".join(response.rounds)


def _list_segment_types(record: Record) -> list[str]:
    return [segment.type or UNTYPED for response in record.responses for segment in response.segments]


def _list_edit_ratios(record: Record) -> list[float]:
    best = record.responses[0]
    return [measure_edit_ratio(response, best) for response in record.responses if response.level]


FIELDS: dict[str, tuple[Kind, Callable[[Record], Any], str]] = {
    "id": ("text", lambda record: record.id, "the record's id"),
    "source": ("text", lambda record: record.source, "where it came from, or null"),
    "license": ("text", lambda record: record.license, "its licence, or null"),
    "images": ("texts", lambda record: record.images, "the paths of its images"),
    "prompt": ("text", lambda record: "\n".join(turn.text for turn in record.prompt), "all turns of the prompt"),
    "question": (
        "text",
        lambda record: record.prompt[-1].text.replace(IMAGE_PLACEHOLDER, "").strip(),
        "the last turn of the prompt, without image placeholders",
    ),
    "responses": ("texts", lambda record: [_join(one) for one in record.responses], "all responses, best first"),
    "best": ("text", lambda record: _join(record.responses[0]), "the first response"),
    "worst": ("text", lambda record: _join(record.responses[-1]), "the last response"),
    "levels": ("numbers", lambda record: record.levels, "the level of each response, from 0"),
    "models": ("texts", lambda record: [one.model for one in record.responses if one.model], "who gave the responses"),
    "rounds": ("number", lambda record: max(len(one.rounds) for one in record.responses), "assistant turns, at most"),
    "segments": ("texts", _list_segment_types, f"the type of each segment, `{UNTYPED}` where it has none"),
    "edit_ratios": (
        "numbers",
        _list_edit_ratios,
        "for each worse response, the share of the text that differs from the best",
    ),
    "meta": ("any", lambda record: record.meta, "`meta.NAME`: a value of the record's own"),
}
"""Name -> kind, value, meaning."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a filter: the kinds that each argument may have, the kind of its value, and how it is found.

    `result` None says: a number for a text, a list of numbers for a list of texts.
    """

    arguments: tuple[tuple[Kind, ...], ...]
    result: Kind | None
    compute: Callable[..., Any]
    meaning: str


def _each(measure: Callable[[str], int]) -> Callable[[Any], Any]:
    """A measure of a text that also measures each text of a list; null for anything else."""

    def compute(value: Any) -> Any:
        if isinstance(value, str):
            return measure(value)
        if isinstance(value, (list, tuple)):
            return [measure(text) for text in value if isinstance(text, str)]
        return None

    return compute


def _of_numbers(reduce: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    """A number of a list of numbers; null for an empty list and for anything else."""

    def compute(values: Any) -> Any:
        numbers = [value for value in values if is_number(value)] if isinstance(values, (list, tuple)) else []
        return reduce(numbers) if numbers else None

    return compute


def _count(values: Any, *wanted: Any) -> Any:
    if not isinstance(values, (list, tuple)):
        return None
    return sum(are_equal(value, wanted[0]) for value in values) if wanted else len(values)


def _distinct(values: Any) -> Any:
    if not isinstance(values, (list, tuple)):
        return None
    return sum(not any(are_equal(value, before) for before in values[:i]) for i, value in enumerate(values))


def _lower(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else None


FUNCTIONS: dict[str, Function] = {
    "len": Function((TEXTS,), None, _each(len), "characters of a text, or of each text of a list"),
    "words": Function((TEXTS,), None, _each(lambda text: len(text.split())), "words between white space, likewise"),
    "lower": Function((("text",),), "text", _lower, "a text without its case"),
    "count": Function((LISTS, ("text", "number")), "number", _count, "items of a list, or those equal to a value"),
    "distinct": Function((LISTS,), "number", _distinct, "items of a list that differ"),
    "min": Function((("numbers",),), "number", _of_numbers(min), "the smallest number of a list"),
    "max": Function((("numbers",),), "number", _of_numbers(max), "the largest number of a list"),
    "mean": Function((("numbers",),), "number", _of_numbers(lambda all_: sum(all_) / len(all_)), "the mean of a list"),
}
"""Name -> function. The second argument of `count` may be left out."""
