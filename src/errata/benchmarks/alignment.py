"""Answers joined with what they answer, by id, never by order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from errata.errors import DataError
from errata.records import Answer

REST = "answer the rest too, or score what is there with --allow-missing"


def align_answers(
    ids: Iterable[str], answers: Sequence[Answer], *, where: str, allow_missing: bool = False, fix: str = REST
) -> dict[str, Answer]:
    """The answer to every id, in the order of `ids`.

    Args:
        ids: Of the questions.
        answers: In any order.
        where: The benchmark, for messages.
        allow_missing: Leave out questions without an answer instead of raising.
        fix: What to do about them.

    Raises:
        DataError: An id that occurs twice, an answer to no question, a question without an answer.
    """
    wanted = list(ids)
    given = [answer.id for answer in answers]
    _refuse(where, "question ids that occur once", "twice", _repeated(wanted), "drop one of them")
    _refuse(where, "one answer per question", "two answers to", _repeated(given), "drop one of them")
    known = set(wanted)
    _refuse(
        where, "answers to its questions", "answers to unknown", [i for i in given if i not in known], "check the set"
    )
    by_id = {answer.id: answer for answer in answers}
    if not allow_missing:
        missing = [item for item in wanted if item not in by_id]
        _refuse(
            where,
            "an answer to every question",
            "no answer to",
            missing,
            fix,
        )
    return {item: by_id[item] for item in wanted if item in by_id}


def _repeated(ids: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    return [item for item in ids if item in seen or seen.add(item)]  # type: ignore[func-returns-value]


def _refuse(where: str, expected: str, problem: str, ids: Sequence[str], fix: str) -> None:
    if ids:
        shown = ", ".join(map(repr, ids[:3])) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
        raise DataError(where, expected=expected, found=f"{problem} {shown}", fix=fix)
