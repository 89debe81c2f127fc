"""A user's own questions, and records to be corrected, looked through before a model or a judge is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from errata.errors import DataError, count_noun
from errata.records import Question, Record, Turn
from errata.text import require_plain


def require_plain_questions(questions: Sequence[Question]) -> None:
    """Refuse questions that hold another tool's markup, such as `<image1>` or `USER: … ASSISTANT:`: to the model they
    would be words, and the template would go around a rendered turn once more.

    Raises:
        DataError: The first of them, with the number of the others.
    """
    _refuse_first(
        "question", ((one.id, (*one.prompt, *(Turn("user", text) for text in one.followups))) for one in questions)
    )


def require_plain_records(records: Sequence[Record]) -> None:
    """The same for records whose lowest response is to be corrected: what a judge leaves as it is would be learned."""
    _refuse_first("record", ((one.id, (*one.prompt, *one.responses[-1].turns)) for one in records))


def _refuse_first(noun: str, turns_of: Iterable[tuple[str, Sequence[Turn]]]) -> None:
    errors = [error for id, turns in turns_of if (error := _find_error(f"{noun} {id!r}", turns)) is not None]
    if errors:
        first, *more = errors
        others = f" (and in {count_noun(len(more), noun)} more)" if more else ""
        raise DataError(first.where, expected=first.expected, found=first.found + others, fix=first.fix)


def _find_error(where: str, turns: Sequence[Turn]) -> DataError | None:
    try:
        for turn in turns:
            require_plain(turn.text, turn.role, where)
    except DataError as error:
        return error
    return None
