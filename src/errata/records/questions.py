"""Questions and answers as JSON lines.

A question's row is `{"id", "images", "prompt", "meta"}` with the prompt as in a preference record, and `followups`
where the user goes on; an answer's is `{"id", "text", "model", "finished", "meta"}`, and `earlier` where several turns
were answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from errata.errors import DataError, count_noun
from errata.records.fields import Fields, parse_turns
from errata.records.preference import IMAGE_PLACEHOLDER, Answer, Question
from errata.storage import read_json_lines, write_json_lines

Item = TypeVar("Item", Question, Answer)


def read_questions(path: str | Path) -> list[Question]:
    """Read questions. Raises DataError with file:line on a row that is not one, or an id that occurs twice."""
    return _read(path, parse_question)


def read_answers(path: str | Path) -> list[Answer]:
    """Read answers. Raises DataError with file:line on a row that is not one, or an id that occurs twice."""
    return _read(path, parse_answer)


def write_questions(path: str | Path, questions: Iterable[Question]) -> None:
    """Write questions, one a line, whole or not at all."""
    write_json_lines(path, (question_to_row(question) for question in questions))


def write_answers(path: str | Path, answers: Iterable[Answer]) -> None:
    """Write answers, one a line, whole or not at all."""
    write_json_lines(path, (answer_to_row(answer) for answer in answers))


def question_to_row(question: Question) -> dict[str, Any]:
    """The JSON form of a question; a prompt of one turn is a plain string."""
    alone = len(question.prompt) == 1
    prompt: Any = question.prompt[0].text if alone else [asdict(turn) for turn in question.prompt]
    row = {"id": question.id, "images": list(question.images), "prompt": prompt}
    row |= {"meta": question.meta} if question.meta else {}
    return row | ({"followups": list(question.followups)} if question.followups else {})


def answer_to_row(answer: Answer) -> dict[str, Any]:
    """The JSON form of an answer."""
    row = asdict(answer)
    earlier = row.pop("earlier")
    return row | ({"earlier": list(earlier)} if earlier else {})


def parse_question(row: Any, where: str) -> Question:
    """Turn a JSON row into a question. Raises DataError that begins with `where`."""
    fields = Fields(row, where, "question", fix="fix the row")
    question = Question(
        id=fields.take("id", str),
        images=fields.take_texts("images"),
        prompt=parse_turns(fields.take("prompt", (str, list)), "user", where),
        meta=fields.take("meta", dict, {}),
        followups=fields.take_texts("followups"),
    )
    fields.finish()
    placeholders = sum(turn.text.count(IMAGE_PLACEHOLDER) for turn in question.prompt)
    if not question.id or not question.prompt or question.prompt[-1].role != "user":
        raise DataError(
            where, expected="an id and a prompt that ends with a user turn", found="neither or one", fix="add it"
        )
    if placeholders not in (0, len(question.images)):
        raise DataError(
            where,
            expected=f"as many {IMAGE_PLACEHOLDER} placeholders as images, or none",
            found=f"{count_noun(placeholders, 'placeholder')} for {count_noun(len(question.images), 'image')}",
            fix="remove the placeholders to put all images first",
        )
    if any(not text.strip() or IMAGE_PLACEHOLDER in text for text in question.followups):
        raise DataError(
            where,
            expected="followups with words and without images of their own",
            found="an empty one or an image",
            fix="show every image in the prompt",
        )
    return question


def parse_answer(row: Any, where: str) -> Answer:
    """Turn a JSON row into an answer. Raises DataError that begins with `where`."""
    fields = Fields(row, where, "answer", fix="fix the row")
    answer = Answer(
        id=fields.take("id", str),
        text=fields.take("text", str),
        model=fields.take("model", str, ""),
        finished=fields.take("finished", bool, True),
        meta=fields.take("meta", dict, {}),
        earlier=fields.take_texts("earlier"),
    )
    fields.finish()
    return answer


def _read(path: str | Path, parse: Callable[[Any, str], Item]) -> list[Item]:
    items: dict[str, Item] = {}
    for where, row in read_json_lines(path):
        item = parse(row, where)
        if item.id in items:
            raise DataError(
                where, expected="ids that occur once", found=f"id {item.id!r} again", fix="rename or drop it"
            )
        items[item.id] = item
    return list(items.values())
