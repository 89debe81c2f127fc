"""What pairs are made of, in every form that rows give it: a question, and answers on either side.

An answer is a text, a message, the messages of an answer of several rounds, or a whole conversation that begins with
the question; a side may hold a list of any of these, which are ties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from errata.data.formats.format import ReadContext
from errata.data.formats.turns import parse_messages, parse_transcript
from errata.data.formats.vocabulary import CONVERSATIONS, PROMPTS, is_turn
from errata.data.rows import Row, is_empty
from errata.errors import quote
from errata.records import IMAGE_PLACEHOLDER, Response, Turn
from errata.text import parse_messages_text

Turns = tuple[Turn, ...]

SYSTEMS = ("system", "system_prompt", "system_message")

QUESTION_COLUMNS = (*PROMPTS, *CONVERSATIONS, "history", *SYSTEMS)
"""The columns that `read_question` reads."""

TIES = "sides with several answers, read as ties"


def read_question(row: Row, context: ReadContext) -> Turns | None:
    """The turns up to the answers, under the one of the usual names that the row has; None where it has none.

    `instruction` and `input` are one question, as Alpaca has it; `history` and `system` come before it.

    Raises:
        DataError: Several columns that could be the question, or values of other types.
    """
    names = [name for name in (*CONVERSATIONS, *PROMPTS) if not is_empty(row.get(name))]
    names = [name for name in names if not (name in CONVERSATIONS and row[name] == row.get("chosen"))]  # Zephyr's
    system, history = _read_system(row, context), _read_history(row, context)
    if not names:
        if system or history:
            raise context.error("a question", "'history' or 'system' without one", "say where: --columns prompt=COLUMN")
        return None
    if names == ["instruction", "input"]:
        texts = [_require_text(row[name], name, context) for name in names]
        return (*system, *history, Turn("user", "\n".join(texts)))
    turns = read_turns(row[names[0]], names[0], context)
    if any(not _says_same(row[name], name, turns, context) for name in names[1:]):
        fix = f"say which it is: --columns prompt={names[0]}, or leave the other out with --ignore {names[-1]}"
        raise context.error("one column with the question", " and ".join(map(repr, names)), fix)
    return put_system(system, (*history, *turns), context)


def _says_same(value: Any, name: str, turns: Turns, context: ReadContext) -> bool:
    """Whether a second column repeats the question, perhaps as a text beside messages, or without its pictures."""
    return [_plain(turn) for turn in read_turns(value, name, context)] == [_plain(turn) for turn in turns]


def read_conversation(row: Row, context: ReadContext) -> tuple[Turns, Any]:
    """The one conversation that a row holds, with its `system`, and its messages as they stand there.

    Raises:
        DataError: No conversation, or several different ones.
    """
    names = [name for name in CONVERSATIONS if not is_empty(row.get(name))]
    if any(row[name] != row[names[0]] for name in names[1:]):
        fix = f"leave one out: --ignore {names[-1]}"
        raise context.error("one conversation", " and ".join(map(repr, names)), fix)
    name = names[0] if names else next((name for name in CONVERSATIONS if name in row), CONVERSATIONS[0])
    turns = parse_messages(row.get(name), context.where, name)
    return put_system(_read_system(row, context), turns, context), row.get(name)


def put_system(system: Turns, turns: Turns, context: ReadContext) -> Turns:
    """Turns behind a row's system turn, which they may repeat. Raises DataError where they begin with another one."""
    if not system or turns[0].role != "system":
        return (*system, *turns)
    if system[0] != turns[0]:
        found = f"{quote(system[0].text, 40)} in a column, and {quote(turns[0].text, 40)} in the turns"
        raise context.error("one system turn", found, "leave one out: --ignore system")
    return turns


def find_question_messages(row: Row) -> Any:
    """The messages of the question, whose parts may hold pictures; nothing where it is a text."""
    held = (row.get(name) for name in (*CONVERSATIONS, *PROMPTS))
    return next((value for value in held if isinstance(value, (list, tuple))), ())


def read_side(value: Any, name: str, context: ReadContext) -> list[Turns]:
    """The answers of one side, each as turns; an answer that repeats another one of the side is left out and counted.

    Raises:
        DataError: No answer, or a value of another form.
    """
    answers = _list_answers(value, name, context)
    different = list(dict.fromkeys(answers))
    context.notes["answers that repeat another one"] += len(answers) - len(different)
    context.told[TIES] += len(different) > 1
    return different


def _list_answers(value: Any, name: str, context: ReadContext) -> list[Turns]:
    where = f"{context.where}: {name!r}"
    if isinstance(value, str):
        messages = _load_turns(value)
        return [(Turn("assistant", value),)] if messages is None else _list_answers(messages, name, context)
    if isinstance(value, Mapping):
        return [parse_messages([value] if is_turn(value) else value, where, name)]
    if isinstance(value, (list, tuple)) and value:
        if all(map(is_turn, value)):
            turns = parse_messages(value, where, name)
            alone = len(turns) > 1 and all(turn.role == "assistant" for turn in turns)
            return [(turn,) for turn in turns] if alone else [turns]
        if all(isinstance(one, (str, list, tuple)) for one in value):
            return [turns for one in value for turns in _list_answers(one, name, context)]
    found = f"{name!r} is {_describe(value)}"
    raise context.error(f"{name!r} as a text, messages, or a list of these", found)


def _load_turns(text: str) -> list[Mapping[str, Any]] | None:
    """The messages that a text is a list of, as tables hold them; None for any other text."""
    return parse_messages_text(text) if text.lstrip().startswith("[") else None


def build_levels(
    question: Turns | None, sides: Sequence[list[Turns]], context: ReadContext
) -> tuple[Turns, tuple[Response, ...]]:
    """The prompt, and the answers of all sides, best first: those of each side at a level of their own.

    Answers that are whole conversations lose the question; without a question, it is what all of them begin with.

    Raises:
        DataError: A conversation that begins otherwise than the question, or the others.
    """
    everything = [answer for side in sides for answer in side]
    if question is None:
        shared = _count_shared(everything)
        question, cut = everything[0][:shared], [[answer[shared:] for answer in side] for side in sides]
    else:
        system = next((answer[:1] for answer in everything if answer[0].role == "system"), ())
        question = (*system, *question) if question[0].role != "system" else question
        cut = [[_cut_question(answer, question, context) for answer in side] for side in sides]
    if not question or not all(answer for side in cut for answer in side):
        fix = "say where the question stands: --columns prompt=COLUMN"
        raise context.error("a question that all answers share, and an answer behind it", "no question", fix)
    return question, tuple(Response(answer, level) for level, side in enumerate(cut) for answer in side)


def _count_shared(answers: Sequence[Turns]) -> int:
    """How many turns all begin with, up to the last user turn among them."""
    same = 0
    while all(len(one) > same and _plain(one[same]) == _plain(answers[0][same]) for one in answers):
        same += 1
    while same and answers[0][same - 1].role != "user":
        same -= 1
    return same


def _cut_question(answer: Turns, question: Turns, context: ReadContext) -> Turns:
    asked = [_plain(turn) for turn in question]
    if answer[0].role == "assistant":
        whole = parse_transcript(answer[0].text) if not answer[1:] else None
        begins = whole is not None and [_plain(turn) for turn in whole[: len(asked)]] == asked
        return whole[len(asked) :] if whole is not None and begins else answer
    for start in {0, int(question[0].role == "system")}:
        if [_plain(turn) for turn in answer[: len(asked) - start]] == asked[start:]:
            return answer[len(asked) - start :]
    fix = "leave the question out of the answers, or out of its own column with --ignore"
    found = f"a turn of the {answer[0].role}, {quote(answer[0].text)}"
    raise context.error("answers, or conversations that begin with the question", found, fix)


def _plain(turn: Turn) -> tuple[str, str]:
    """A turn without the places of its pictures, which one of two copies may leave out."""
    return turn.role, " ".join(turn.text.replace(IMAGE_PLACEHOLDER, " ").split())


def read_turns(value: Any, name: str, context: ReadContext) -> Turns:
    """A question as a text, a message, parts of one, or messages. Raises DataError for anything else."""
    if isinstance(value, str):
        value = _load_turns(value) or value
    if isinstance(value, str) and name not in CONVERSATIONS:
        return (Turn("user", value),)
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, Mapping) for one in value):
        turns = value if all(map(is_turn, value)) else [{"role": "user", "content": value}]  # parts alone
        return parse_messages(turns, f"{context.where}: {name!r}", name)
    if isinstance(value, Mapping) and is_turn(value):
        return parse_messages([value], f"{context.where}: {name!r}", name)
    if name in CONVERSATIONS or isinstance(value, Mapping):
        return parse_messages(value, f"{context.where}: {name!r}", name)
    raise context.error(f"{name!r} as a text or messages", f"{name!r} is {_describe(value)}")


def _read_system(row: Row, context: ReadContext) -> Turns:
    names = [name for name in SYSTEMS if not is_empty(row.get(name))]
    if any(row[name] != row[names[0]] for name in names[1:]):
        fix = f"leave one out: --ignore {names[-1]}"
        raise context.error("one system turn", " and ".join(map(repr, names)), fix)
    return tuple(Turn("system", _require_text(row[name], name, context)) for name in names[:1])


def _read_history(row: Row, context: ReadContext) -> Turns:
    history = row.get("history") or []
    if isinstance(history, (list, tuple)) and history and all(map(is_turn, history)):
        return parse_messages(history, f"{context.where}: 'history'", "history")
    if not isinstance(history, (list, tuple)) or not all(map(_is_exchange, history)):
        raise context.error("'history' as a list of pairs of texts", quote(history))
    return tuple(turn for user, said in history for turn in (Turn("user", user), Turn("assistant", said)))


def _is_exchange(exchange: Any) -> bool:
    return isinstance(exchange, (list, tuple)) and len(exchange) == 2 and all(isinstance(one, str) for one in exchange)


def _require_text(value: Any, name: str, context: ReadContext) -> str:
    if not isinstance(value, str):
        raise context.error(f"{name!r} as a text", f"{name!r} is {_describe(value)}")
    return value


def _describe(value: Any) -> str:
    return "an empty list" if value in ([], ()) else f"{type(value).__name__} {quote(value, 60)}"
