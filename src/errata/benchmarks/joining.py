"""Which question a foreign answer is about: by id, number or image and wording, never by its place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from errata.benchmarks.answer_files import GivenAnswer
from errata.errors import DataError
from errata.records import Answer, Question

Key = tuple[str, ...]


def join_answers(given: Sequence[GivenAnswer], questions: Sequence[Question], *, where: str) -> list[Answer]:
    """Answers under the ids of the questions; some may have none, and one asked in several settings answers in each.

    Args:
        given: In any order.
        questions: Of the whole benchmark.
        where: The answer file, for messages.

    Raises:
        DataError: A row that names no question, or none of this benchmark; two answers to one question; a row whose
            wording is not that of the question with its number.
    """
    index = _index(questions)
    known = {question.id: question for question in questions}
    found: dict[str, tuple[str, Answer]] = {}
    strangers: list[GivenAnswer] = []
    for answer in given:
        ids = _find(answer, index)
        if not ids:
            strangers.append(answer)
        for one in ids:
            _require_wording(answer, known[one])
            if one in found:
                twice = f"a second to {one!r}, first at {found[one][0]}"
                raise DataError(answer.where, expected="one answer a question", found=twice, fix="drop one of them")
            said = Answer(one, answer.text, answer.model, answer.finished, earlier=answer.earlier)
            found[one] = answer.where, said
    _refuse_strangers(strangers, len(given), where)
    return [answer for _, answer in found.values()]


def find_image_key(name: str) -> str:
    """What two names of one image have in common: COCO's number, else the file's name without folder and ending."""
    stem = PurePath(name).stem if not name.isdigit() else name
    number = re.fullmatch(r"(?:COCO_\w+?_)?0*(\d+)", stem)
    return number.group(1) if number else stem


def _index(questions: Sequence[Question]) -> dict[Key, list[str]]:
    index: dict[Key, list[str]] = {}
    for question in questions:
        number, setting = (str(question.meta.get(name, "")) for name in ("question_id", "setting"))
        asked = _normalise(question.prompt[-1].text)
        keys: list[Key] = [("id", question.id), ("numbered", setting, number), ("number", number)]
        for image in _list_images(question):
            keys += [("asked", image, asked, setting), ("asked", image, asked), ("image", image)]
        for key in keys:
            index.setdefault(key, []).append(question.id)
    return index


def _list_images(question: Question) -> set[str]:
    """The keys of a question's image: by its file and, where the benchmark numbers it otherwise, by `meta.image_id`."""
    names = [question.images[0] if question.images else "", str(question.meta.get("image_id", ""))]
    return {find_image_key(name) if name else "" for name in names[: 1 + bool(names[1])]}


def _find(answer: GivenAnswer, index: dict[Key, list[str]]) -> list[str]:
    """The questions of the first key that names some; a bare number or image must name one alone."""
    for key in _list_keys(answer):
        ids = index.get(key, [])
        if ids and (len(ids) == 1 or key[0] == "asked"):
            return ids
    return []


def _list_keys(answer: GivenAnswer) -> Iterator[Key]:
    """From the narrowest to the widest; parts that the row lacks make no key."""
    image, asked = find_image_key(answer.image) if answer.image else "", _normalise(answer.prompt)
    keys: list[Key] = [
        ("id", answer.id),
        ("numbered", answer.category, answer.number),
        ("asked", image, asked, answer.category),
        ("asked", image, asked),
        ("id", answer.number),
        ("number", answer.number),
        ("image", image),
    ]
    return (key for key in keys if all(key))


def _normalise(prompt: str) -> str:
    """The question alone: no image mark, no request for a short answer below it, no typing error of the old vintage."""
    lines = [line.strip() for line in prompt.replace("<image>", "").strip().splitlines()]
    return lines[0].replace("imange", "image").casefold() if lines else ""


def _require_wording(answer: GivenAnswer, question: Question) -> None:
    """A number means another question in another vintage."""
    if answer.id == question.id or not answer.prompt:
        return
    asked, wanted = _normalise(answer.prompt), _normalise(question.prompt[-1].text)
    if asked != wanted and wanted not in asked:
        found = f"an answer to {asked[:80]!r}"
        fix = "score it with the question file that it was made with"
        raise DataError(answer.where, expected=f"one to {wanted!r} ({question.id})", found=found, fix=fix)


def _refuse_strangers(strangers: Sequence[GivenAnswer], count: int, where: str) -> None:
    if not strangers:
        return
    first = strangers[0]
    if not any((first.id, first.number, first.image)):
        fix = "add the question's id, or image and question, to each row"
        raise DataError(first.where, expected="a row that names its question", found="none of its fields does", fix=fix)
    if len(strangers) == count:
        fix = "check the benchmark, its options and --data"
        raise DataError(
            where, expected="answers to this benchmark", found="none that is about one of its questions", fix=fix
        )
    found = (
        f"an answer to none of them, and {len(strangers) - 1} more"
        if len(strangers) > 1
        else "an answer to none of them"
    )
    fix = "check that questions and answers are of one vintage, and that each row names its category"
    raise DataError(first.where, expected="an answer to one question of the benchmark", found=found, fix=fix)
