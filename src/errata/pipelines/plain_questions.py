"""Questions of a user's own, looked through before a model is loaded for them."""

from __future__ import annotations

from collections.abc import Sequence

from errata.errors import DataError, count_noun
from errata.records import Question, Turn
from errata.text import require_plain


def require_plain_questions(questions: Sequence[Question]) -> None:
    """Refuse questions that hold another tool's markup, such as `<image1>` or `USER: … ASSISTANT:`: to the model they
    would be words, and the template would go around a rendered turn once more.

    Raises:
        DataError: The first of them, with the number of the others.
    """
    errors = [error for question in questions if (error := _find_error(question)) is not None]
    if errors:
        first, *more = errors
        others = f" (and in {count_noun(len(more), 'question')} more)" if more else ""
        raise DataError(first.where, expected=first.expected, found=first.found + others, fix=first.fix)


def _find_error(question: Question) -> DataError | None:
    try:
        for turn in (*question.prompt, *(Turn("user", text) for text in question.followups)):
            require_plain(turn.text, turn.role, f"question {question.id!r}")
    except DataError as error:
        return error
    return None
