"""Another tool's marks of pictures become ours, where they say themselves which picture they mean: a row as JSON in, a
row out.

As in `repair_row`, a row of another form raises what Python says about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from errata.data.repair_markup import like_prompt, list_turns
from errata.data.repair_row import Row
from errata.records import IMAGE_PLACEHOLDER
from errata.text import Markup, find_markup

_REPEATED = re.compile(r"(<[^<>]{1,40}>|\[img\])\1+")
_NUMBER = re.compile(r"\d{1,3}")
_PATH = re.compile(r"<img>([^<>]+)</img>|!\[[^\]]*\]\(([^()]+)\)|\bsrc=[\"']?([^\"'>\s]+)", re.IGNORECASE)


def mark_pictures(row: Row, names: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Row:
    """The row with `<image>` for another tool's marks in the prompt, where these name each of its pictures once.

    Marks that are numbered, or name files that the pictures are named like, bring the pictures into their order.
    Without numbers and names there must be as many as pictures.

    Args:
        row: The row.
        names: What a picture was called before an import named it by its content.
    """
    prompt, images = list_turns(row["prompt"]), row["images"]
    if any(IMAGE_PLACEHOLDER in turn["text"].replace(f"<im_start>{IMAGE_PLACEHOLDER}<im_end>", "") for turn in prompt):
        return row
    found = [
        [one for one in find_markup(turn["text"], turn["role"]) if one.kind == "image-mark"]
        if turn["role"] == "user"
        else []
        for turn in prompt
    ]
    called = [{PurePosixPath(name).name for name in (image, *names.get(image, ()))} for image in images]
    order = _find_order([one.text for marks in found for one in marks], called)
    if order is None:
        return row
    turns = [turn | {"text": _replace(turn["text"], marks)} for turn, marks in zip(prompt, found, strict=True)]
    return row | {"prompt": like_prompt(row["prompt"], turns), "images": [images[place] for place in order]}


def _find_order(marks: Sequence[str], images: Sequence[set[str]]) -> list[int] | None:
    """Which picture, of those with these names, each mark stands for; None where they do not say, or do not name each
    once."""
    if len(marks) != len(images) or not marks:
        return None
    numbers, paths = [_find_number(mark) for mark in marks], [_find_path(mark) for mark in marks]
    everything = list(range(len(images)))
    if None not in numbers:
        first = min(number for number in numbers if number is not None)
        order = [number - first for number in numbers if number is not None]
        return order if first in (0, 1) and sorted(order) == everything else None
    if any(number is not None for number in numbers):
        return None
    if len(images) == 1:
        return everything
    if None not in paths:
        order = [place for path in paths for place in everything if path in images[place]]
        return order if sorted(order) == everything else None
    kinds = {_REPEATED.sub(r"\1", mark.lower()) for mark in marks}
    return everything if not any(paths) and len(kinds) == 1 else None


def _find_number(mark: str) -> int | None:
    """The number of a numbered mark, such as `<image_1>`; the paths of others may hold digits too."""
    number = _NUMBER.search(mark)
    return int(number[0]) if number and re.fullmatch(r"\W*[A-Za-z]+[ _:#-]?\d{1,3}\W*", mark) else None


def _find_path(mark: str) -> str | None:
    path = _PATH.search(mark)
    return PurePosixPath(next(filter(None, path.groups()))).name if path else None


def _replace(text: str, marks: Sequence[Markup]) -> str:
    for one in reversed(marks):
        text = text[: one.start] + IMAGE_PLACEHOLDER + text[one.end :]
    return text
