"""The data of a Label Studio task: which field is the question, which the images, which the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from errata.data.containers import Row
from errata.data.formats.columns import find_field, require_names, simplify
from errata.data.formats.format import ReadContext
from errata.data.formats.parts import take_meta
from errata.data.formats.pictures import require_all_shown
from errata.data.formats.verdicts import ANSWERS, IMAGES
from errata.data.formats.vocabulary import PROMPTS
from errata.records import find_file

_LOCAL = "/data/local-files/?d="


@dataclass(frozen=True, slots=True)
class Task:
    """What was shown.

    Args:
        prompt: The question.
        images: Paths or addresses.
        answers: Texts by field, or by the id of an item in a list that was ranked.
        main: The answer that a correction without a clear place belongs to.
        pair: The two answers that a choice of left and right is between: those that the user named, or the only two.
        data: All fields but those of the question, the images and ranked lists.
        old: The file is so old that offsets count UTF-16 units.
    """

    prompt: str
    images: tuple[str, ...]
    answers: dict[str, str]
    main: str | None
    pair: tuple[str, str] | None
    data: dict[str, Any]
    old: bool

    def find_answer(self, name: str) -> str | None:
        """The answer that a result's `to_name` means: its field, or else the only or the main one."""
        return self.match(name) or self.main

    def match(self, name: str) -> str | None:
        """The answer of this name, however it is written."""
        return next((answer for answer in self.answers if simplify(answer) == simplify(name)), None)


def read_task(row: Row, context: ReadContext) -> Task:
    """Take a task's data apart. Raises DataError where the question or the answers cannot be told."""
    require_names(context.columns, ("prompt", "image", "response", "left", "right"))
    data = row["data"]
    prompt = find_field(data, "prompt", PROMPTS, context)
    image = find_field(data, "image", IMAGES, context)
    require_all_shown(data, image, context)
    if prompt is None or not isinstance(data[prompt], str):
        found = f"the fields {', '.join(map(str, data)) or 'of an empty object'}"
        raise context.error("a question among the task's data", found, "name its field: --columns prompt=FIELD")
    answers, lists = _find_answers(data, {prompt, image})
    left, right = (context.columns.get(name) for name in ("left", "right"))
    if any(name is not None and name not in answers for name in (left, right)):
        raise context.error("--columns left=… right=… as text fields", ", ".join(answers) or "none", "check the names")
    return Task(
        prompt=data[prompt],
        images=tuple(_find_image(value, context) for value in _list(data.get(image) if image else None)),
        answers=answers,
        main=_find_main(answers, context),
        pair=(left, right) if left and right else _only_two(answers),
        data=take_meta(data, context, {prompt, *([image] if image else []), *lists}),
        old="annotations" not in row,
    )


def _find_answers(data: Mapping[str, Any], taken: set[str | None]) -> tuple[dict[str, str], list[str]]:
    """Texts of all other fields, and of the items of lists `[{"id", "title", "body"}]`; and the names of such lists."""
    answers = {name: text for name, text in data.items() if name not in taken and isinstance(text, str) and text}
    lists = [name for name, value in data.items() if name not in taken and _is_items(value)]
    for name in lists:
        for item in data[name]:
            text = item.get("body") or item.get("html") or item.get("title")
            if isinstance(text, str) and isinstance(item["id"], (str, int)):
                answers[str(item["id"])] = text
    return answers, lists


def _is_items(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "id" in one for one in value)


def _find_main(answers: Mapping[str, str], context: ReadContext) -> str | None:
    usual = find_field(answers, "response", ANSWERS, context)
    return usual if usual or len(answers) != 1 else next(iter(answers))


def _find_image(value: Any, context: ReadContext) -> Any:
    """A path below the image root: what stands behind Label Studio's own addresses, or there the file's name alone."""
    if not isinstance(value, str) or not value.startswith("/data/"):
        return value
    path = unquote(value.removeprefix(_LOCAL if value.startswith(_LOCAL) else "/data/"))
    root, name = Path(context.images.root or "."), path.rpartition("/")[2]
    is_elsewhere = "\0" not in path and not find_file(root / path).is_file()
    return name if is_elsewhere and find_file(root / name).is_file() else path


def _only_two(answers: Mapping[str, str]) -> tuple[str, str] | None:
    names = list(answers)
    return (names[0], names[1]) if len(names) == 2 else None


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
