"""VQAv2: a file of questions and one of annotations, or one table of both, as supervised records.

The answer is the one that most of ten people gave, as the annotations name it; all ten are kept in `meta`. Images are
COCO's, found by number below the image root, with or without a folder per split.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from sys import intern
from typing import Any

from errata.data.formats.format import Format, ReadContext, Sample, reads
from errata.data.formats.parts import STATED, take_id, take_license, take_source, take_text
from errata.data.formats.pictures import list_images
from errata.data.rows import RawRow, Row, iterate_member, iterate_rows
from errata.errors import DataError, quote
from errata.records import Record, Response, Turn
from errata.storage import find_file, parse_line

HEAD = 1 << 14
"""So many bytes say what a file is: its items come after a short header."""

_READ = ("question", "question_id", "answers", "multiple_choice_answer", "split")
_KEPT = ("question_type", "answer_type", "image_id")
_VERSION = re.compile(r"v2\.0 of the VQA dataset|\"version\"\s*:\s*\"2\.0\".{0,400}\"mscoco\"", re.DOTALL)
_FORM = re.compile(rb'^\s*\{.*?"(questions|annotations)"\s*:\s*\[\s*\{.*?"question_id"', re.DOTALL)


def _recognise(sample: Sample) -> bool:
    return {"question", "question_id", "answers"} <= sample.names


def _claims(path: Path) -> bool:
    """Whether a file is one of the pair."""
    return path.suffix == ".json" and _find_form(path) is not None


def _find_form(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            match = _FORM.match(file.read(HEAD))
    except OSError as error:
        found = error.strerror or str(error)
        raise DataError(str(path), expected="a readable file", found=found, fix="check the path", code="file") from None
    return match[1].decode() if match else None


def _read_rows(path: Path) -> Iterator[RawRow]:
    """Every question with its annotation, in the questions' order; a table of both row by row."""
    form = _find_form(path) if path.suffix == ".json" else None
    if form is None:
        yield from iterate_rows(path)
        return
    if form == "annotations":
        fix = "name the questions file or the folder; annotations are found beside it"
        raise DataError(str(path), expected="a file of questions", found="one of annotations", fix=fix)
    annotations = _read_annotations(_find_annotations(path))
    stated = _read_head(path)
    for number, (where, text) in enumerate(iterate_member(path, "questions"), 1):
        yield RawRow(where, number, _join(where, text, annotations, stated))


def _read_head(path: Path) -> dict[str, str]:
    """What a file says about all of its questions: their split, that they are VQAv2's, their licence."""
    with path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8", "replace")
    split = re.search(r'"data_subtype"\s*:\s*"([\w-]+)"', head)
    terms = re.search(r'"license"\s*:\s*\{[^{}]*"name"\s*:\s*"([^"]+)"', head)
    stated = {"split": split[1]} if split else {}
    if _VERSION.search(head):
        stated["source"] = "VQAv2"
    if terms is not None:
        stated["license"] = "CC BY 4.0" if "Attribution 4.0" in terms[1] else terms[1]
    return stated


def _join(where: str, text: bytes, annotations: Mapping[Any, Row], stated: Row) -> Row | DataError:
    """A question's fields and its annotation's, or what is wrong with it."""
    try:
        question = parse_line(where, text)
    except DataError as error:
        return error
    if not isinstance(question, dict) or not isinstance(question.get("question_id"), (int, str)):
        return DataError(where, expected="a question with a 'question_id'", found=quote(question), fix="fix the row")
    annotation = annotations.get(question["question_id"])
    if annotation is None:
        fix = "add it, or drop the question"
        found = f"none for {question['question_id']}"
        return DataError(where, expected="an annotation for every question", found=found, fix=fix)
    return {**annotation, **question, **stated}


def _find_annotations(path: Path) -> Path:
    """`v2_OpenEnded_mscoco_train2014_questions.json` -> `v2_mscoco_train2014_annotations.json` beside it."""
    usual = path.with_name(re.sub("(OpenEnded|MultipleChoice)_", "", path.name).replace("questions", "annotations"))
    if usual != path and usual.is_file():
        return usual
    found = [file for file in sorted(path.parent.glob("*.json")) if _find_form(file) == "annotations"]
    if len(found) != 1:
        told = ", ".join(file.name for file in found) or "none"
        wanted = f"annotations of its questions{f', {usual.name}' if usual != path else ''}"
        fix = "put the annotations beside the questions; test splits have none and cannot be learned from"
        raise DataError(str(path), expected=wanted, found=told, fix=fix)
    return found[0]


def _read_annotations(path: Path) -> dict[Any, Row]:
    """By question, with the ten answers as texts alone: half a million of them stay in memory."""
    annotations: dict[Any, Row] = {}
    for where, text in iterate_member(path, "annotations"):
        row = parse_line(where, text)
        if not isinstance(row, dict) or not isinstance(row.get("question_id"), (int, str)):
            fix = "fix the row"
            raise DataError(where, expected="an annotation with a 'question_id'", found=quote(row), fix=fix)
        answers = _list_answers(row, where)
        kept = {name: row[name] for name in (*_KEPT, "multiple_choice_answer") if row.get(name) is not None}
        annotations[row["question_id"]] = kept | {"answers": answers}
    return annotations


def _list_answers(row: Row, where: str) -> list[str]:
    answers = row.get("answers")
    listed = answers if isinstance(answers, list) else []
    texts = [one.get("answer") if isinstance(one, Mapping) else one for one in listed]
    if not texts or not all(isinstance(text, str) for text in texts):
        expected = "'answers' as a list of people's answers"
        raise DataError(where, expected=expected, found=quote(answers), fix="fix the row")
    return [intern(str(text)) for text in texts]  # most are one of a few thousand


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    question, answers = take_text(row, "question"), _list_answers(row, context.where)
    if question is None:
        raise context.error("'question' as a text", quote(row.get("question")))
    answer = take_text(row, "multiple_choice_answer") or Counter(answers).most_common(1)[0][0]
    meta = {name: row[name] for name in _KEPT if isinstance(row.get(name), (str, int))}
    yield context.build_record(
        id=f"vqa-{take_id(row, context, 'question_id')}",
        prompt=(Turn("user", question),),
        images=context.store([_find_image(row, context)]),
        responses=(Response((Turn("assistant", answer),), 0),),
        source=take_source(row),
        license=take_license(row),
        meta=meta | {"answers": answers},
    )


def _find_image(row: Row, context: ReadContext) -> Any:
    """The picture in the row, or the first name by COCO's rule that is a file below the image root."""
    held = list_images(row, context)
    if held:
        return held[0]
    number, split = row.get("image_id"), row.get("split") or "val2014"
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 10**12:
        raise context.error("'image_id' as a number, or an 'image'", quote(number))
    name = f"COCO_{split}_{number:012d}.jpg"
    places = [f"{split}/{name}", name, f"images/{split}/{name}", f"images/{name}", f"{number:012d}.jpg"]
    root = Path(context.images.root or ".")
    return next((place for place in places if find_file(root / place).is_file()), places[0])


VQA = Format(
    "vqav2",
    "VQAv2 (questions and annotations), as supervised records",
    _recognise,
    _read_row,
    reads=reads(*_READ, *_KEPT, *STATED),
    recognise_file=_claims,
    read_rows=_read_rows,
)
