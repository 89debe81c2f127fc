"""The results of a Label Studio annotation, each by its type, as one verdict.

The data of a Label Studio task: which field is the question, which the images, which the answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from errata.data.formats.format import ReadContext
from errata.data.formats.parts import find_field, require_names, simplify, take_meta
from errata.data.formats.pictures import require_all_shown
from errata.data.formats.verdicts import ANSWERS, IMAGES, Mark, Verdict, from_utf16
from errata.data.formats.vocabulary import PROMPTS
from errata.data.rows import Row
from errata.errors import quote
from errata.storage import find_file

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


Result = Mapping[str, Any]
_REMARKS = ("comment", "note", "reason", "explanation", "justification", "feedback")
"""Parts of a text box's name that say that it holds no corrected answer."""


@dataclass
class _Work:
    """What has been read of one annotation so far."""

    task: Task
    context: ReadContext
    levels: dict[str, float] = field(default_factory=dict)
    corrections: dict[str, str] = field(default_factory=dict)
    spans: dict[str, list[Result]] = field(default_factory=lambda: defaultdict(list))
    replacements: dict[str, list[Result]] = field(default_factory=lambda: defaultdict(list))
    meta: dict[str, Any] = field(default_factory=dict)


def read_results(results: Sequence[Result], task: Task, context: ReadContext, annotator: Any) -> Verdict:
    """What an annotation says. Raises DataError for a result that is damaged or whose answer cannot be told."""
    work = _Work(task, context)
    for result in results:
        kind, value = result.get("type"), result.get("value")
        read = _READERS.get(kind) if isinstance(kind, str) else None
        if read is None:
            context.notes[f"results of type {kind!r}"[:60]] += 1
        elif not isinstance(value, Mapping):
            raise context.error(f"'value' of a result of type {kind!r} as an object", type(value).__name__)
        else:
            read(result, value, work)
    marks = {name: _read_marks(name, work) for name in work.spans}
    for name in work.replacements:
        work.corrections.setdefault(name, _replace(name, work))
    meta = work.meta | ({"annotator": annotator} if isinstance(annotator, (int, str)) else {})
    return Verdict(work.levels, work.corrections, marks, meta)


def _read_textarea(result: Result, value: Mapping[str, Any], work: _Work) -> None:
    lines = value.get("text")
    lines = [lines] if isinstance(lines, str) else lines
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise work.context.error("'text' of a text box as a list of texts", quote(lines))
    name = str(result.get("from_name"))
    if any(word in simplify(name) for word in _REMARKS):
        work.meta[name] = "\n".join(lines)
    elif "start" in value:
        work.replacements[_find_answer(result, work)].append(value)
    else:
        work.corrections[_find_answer(result, work)] = "\n".join(lines)


def _read_pairwise(result: Result, value: Mapping[str, Any], work: _Work) -> None:
    names = [work.task.match(name) for name in str(result.get("to_name")).split(",")]
    left, right = names if len(names) == 2 else (None, None)
    if left is None or right is None:
        left, right = work.task.pair or (None, None)
    if left is None or right is None:
        found = f"to_name {result.get('to_name')!r} and the texts {', '.join(work.task.answers)}"[:120]
        raise work.context.error("two answers to choose from", found, "name them: --columns left=FIELD right=FIELD")
    chosen = value.get("selected")
    if chosen not in ("left", "right"):
        raise work.context.error("'selected' as left or right", quote(chosen))
    work.levels |= {left: float(chosen != "left"), right: float(chosen != "right")}


def _read_ranker(_result: Result, value: Mapping[str, Any], work: _Work) -> None:
    """One list is an order; of several buckets each is a level of ties. What was left unsorted, in `_`, has none."""
    columns = value.get("ranker")
    if not isinstance(columns, Mapping) or not all(isinstance(ids, list) for ids in columns.values()):
        raise work.context.error("'ranker' as an object of lists of ids", quote(columns))
    buckets = [ids for name, ids in columns.items() if name != "_" and ids]
    order = [[one] for one in buckets[0]] if len(columns) == 1 and buckets else buckets
    for level, ids in enumerate(order):
        for one in ids:
            if str(one) not in work.task.answers:
                raise work.context.error("ids of the task's list", quote(one))
            work.levels[str(one)] = float(level)


def _read_rating(result: Result, value: Mapping[str, Any], work: _Work) -> None:
    stars = value.get("rating")
    if isinstance(stars, bool) or not isinstance(stars, (int, float)):
        raise work.context.error("'rating' as a number", quote(stars))
    work.levels[_find_answer(result, work)] = -float(stars)


def _read_labels(result: Result, value: Mapping[str, Any], work: _Work) -> None:
    work.spans[_find_answer(result, work)].append(value)


_READERS = {
    "textarea": _read_textarea,
    "pairwise": _read_pairwise,
    "ranker": _read_ranker,
    "rating": _read_rating,
    "labels": _read_labels,
}


def _find_answer(result: Result, work: _Work) -> str:
    name = work.task.find_answer(str(result.get("to_name")))
    if name is None:
        found = f"to_name {result.get('to_name')!r} and the texts {', '.join(work.task.answers) or 'none'}"[:120]
        raise work.context.error("the answer that a result is about", found, "name it: --columns response=FIELD")
    return name


def _read_marks(name: str, work: _Work) -> list[Mark]:
    text, utf16 = work.task.answers[name], _counts_utf16(name, work)
    marks = []
    for value in work.spans[name]:
        start, end = _locate(value, text, utf16, work.context)
        labels = value.get("labels")
        label = labels[0] if isinstance(labels, list) and labels and isinstance(labels[0], str) else None
        marks.append(Mark(start, end, label))
    return marks


def _counts_utf16(name: str, work: _Work) -> bool:
    """Which unit the offsets in an answer count in: the one in which the texts written beside them stand there."""
    text = work.task.answers[name]
    if text.isascii() or max(text) < "\U00010000":
        return False
    told = [value for value in work.spans[name] if isinstance(value.get("text"), str)]
    for utf16 in (False, True):
        if told and all(_stands_there(value, text, utf16, work.context) for value in told):
            return utf16
    if told:
        fix = "export again with a Label Studio of version 1.3 or newer, or remove the labels"
        raise work.context.error("labels whose text stands at their offsets", quote(told[0]["text"]), fix)
    return work.task.old


def _stands_there(value: Mapping[str, Any], text: str, utf16: bool, context: ReadContext) -> bool:
    places = [_count(value.get(name), text, utf16, context) for name in ("start", "end")]
    if None in places:
        return False
    # Line ends are written as \n in two characters, and white space is not always kept.
    return text[places[0] : places[1]].split() == str(value["text"]).replace("\\n", "\n").split()


def _locate(value: Mapping[str, Any], text: str, utf16: bool, context: ReadContext) -> tuple[int, int]:
    start, end = (_count(value.get(name), text, utf16, context) for name in ("start", "end"))
    if start is None or end is None or start > end:
        found = f"{value.get('start')}:{value.get('end')}"
        raise context.error(f"offsets inside the answer of {len(text)} characters", found)
    return start, end


def _count(offset: Any, text: str, utf16: bool, context: ReadContext) -> int | None:
    if isinstance(offset, bool) or not isinstance(offset, int):
        fix = "label plain text (<Text> with <Labels>); offsets into HTML or paragraphs are not read"
        raise context.error("'start' and 'end' as numbers", quote(offset), fix)
    if utf16:
        return from_utf16(text, offset)
    return offset if 0 <= offset <= len(text) else None


def _replace(name: str, work: _Work) -> str:
    """The answer with the texts that were typed into its labelled regions in their place."""
    text, utf16 = work.task.answers[name], _counts_utf16(name, work)
    parts, done = [], 0
    placed = [(*_locate(value, text, utf16, work.context), value["text"]) for value in work.replacements[name]]
    for start, end, lines in sorted(placed, key=lambda one: one[:2]):
        if start < done:
            raise work.context.error("replaced regions that do not overlap", f"{start}:{end} after {done}")
        parts += [text[done:start], lines if isinstance(lines, str) else "\n".join(lines)]
        done = end
    return "".join([*parts, text[done:]])
