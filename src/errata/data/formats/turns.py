"""Messages of any tool as turns: who speaks, what is said, and where the pictures stand.

Whole conversations as one text, `Human: … Assistant: …`, as the first preference data were published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from errata.data.formats.pictures import is_picture_part
from errata.data.formats.vocabulary import CONTENTS, SPEAKERS, guess_content
from errata.data.rows import is_empty
from errata.errors import DataError, quote
from errata.records import IMAGE_PLACEHOLDER, Role, Turn
from errata.storage import parse_line

_ROLES: dict[str, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
_CALLS = ("tool_calls", "function_call")
_FIX = "fix the row"


def parse_messages(messages: Any, where: str, name: str) -> tuple[Turn, ...]:
    """A list of `{"from", "value"}` or `{"role", "content"}` as turns; `name` is the field that holds it.

    Also JSON of such a list, as tables hold it, and an object of two lists, as `datasets` makes it of a sequence.

    Raises:
        DataError: It begins with `where`.
    """
    if isinstance(messages, str):  # UniMM-Chat's table holds JSON
        messages = parse_line(f"{where}: {name!r}", messages.encode("utf-8", "surrogatepass"))
    if isinstance(messages, Mapping):
        messages = _turn_round(messages)
    if not isinstance(messages, (list, tuple)) or not messages:
        found = "an empty list" if messages == [] else f"{name!r} is {type(messages).__name__}"
        raise DataError(where, expected="a conversation as a list of turns", found=found, fix=_FIX)
    return tuple(_read_turn(message, f"{where}: turn {number}") for number, message in enumerate(messages))


def _turn_round(messages: Mapping[str, Any]) -> Any:
    """`{"role": […], "content": […]}` as a list of objects; anything else as it is."""
    lists = {name: value for name, value in messages.items() if isinstance(value, (list, tuple))}
    if len(lists) < len(messages) or len({len(value) for value in lists.values()}) != 1:
        return messages
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _read_turn(message: Any, where: str) -> Turn:
    if not isinstance(message, Mapping):
        raise DataError(where, expected="a turn as an object", found=type(message).__name__, fix=_FIX)
    speaker = next((message[key] for key in SPEAKERS if message.get(key) is not None), None)
    role = _ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None:
        found = "no 'from' or 'role'" if speaker is None else quote(speaker)
        raise DataError(where, expected="a speaker of " + ", ".join(_ROLES), found=found, fix=_FIX)
    content = next((message[key] for key in CONTENTS if message.get(key) is not None), None)
    if content is None:
        expected = f"what is said, under {' or '.join(CONTENTS)}"
        raise DataError(where, expected=expected, found=f"only {', '.join(map(str, message))}", fix=_FIX)
    _require_read(message, where)
    return Turn(role, _join_parts(content, where))


def _require_read(message: Mapping[str, Any], where: str) -> None:
    """Raise DataError for a key of a message that says more than its text."""
    held = [name for name in CONTENTS if not is_empty(message.get(name))]
    for name, value in message.items():
        what = guess_content(name, value) if name not in (*SPEAKERS, *held[:1]) else None
        if name in _CALLS and not is_empty(value):
            what = "a tool call"
        if what is not None:
            expected = f"a turn of {' or '.join(SPEAKERS)} and {' or '.join(CONTENTS)}"
            fix = "leave it out, or bring the row into another form (docs/formats.md)"
            raise DataError(where, expected=expected, found=f"{name!r}, {what}, beside them", fix=fix)


def _join_parts(content: Any, where: str) -> str:
    """A text, or a list of parts: `<image>` for every picture, and the texts."""
    parts = content if isinstance(content, (list, tuple)) else [{"type": "text", "text": content}]
    texts = []
    for part in parts:
        text = part if isinstance(part, str) else None
        if isinstance(part, Mapping):
            plain = part.get("type") in ("text", "input_text", "output_text", None)
            text = IMAGE_PLACEHOLDER if is_picture_part(part) else part.get("text") if plain else None
        if not isinstance(text, str):
            expected = "a text, or parts of type image and text"
            raise DataError(where, expected=expected, found=quote(content), fix=_FIX)
        texts.append(text)
    return "".join(texts)


_SPEAKER = re.compile(r"(?:\A|\n)\s*(Human|User|HUMAN|USER|Assistant|ASSISTANT) ?:")
_LOUD_SPEAKER = re.compile(r"(?:\A|(?<=\s))(HUMAN|USER|ASSISTANT) ?:")
_ANSWER_OPENS = re.compile(
    r"<\|im_start\|>assistant\n|<\|start_header_id\|>assistant<\|end_header_id\|>\s*|<start_of_turn>model\n|<\|assistant\|>\s*"
    r"|\[/INST\]|### ?(?:Assistant|Response|ASSISTANT) ?:\s*|(?:ASSISTANT|Assistant) ?:"
)


def parse_transcript(text: str) -> tuple[Turn, ...] | None:
    """The turns of a text that begins with a question under the user's name and ends with an answer under the
    assistant's, both taking turns; None for any other text.

    Names in capitals may also stand inside a line, behind what is then a system turn, as templates of one line have it.
    """
    is_plain = re.match(r"\s*(?:Human|User) ?:", text) is not None
    before, *parts = (_SPEAKER if is_plain else _LOUD_SPEAKER).split(text)
    said = zip(parts[::2], parts[1::2], strict=True)
    turns = tuple(Turn("assistant" if name.lower() == "assistant" else "user", words.strip()) for name, words in said)
    alternate = all((turn.role == "user") == (number % 2 == 0) for number, turn in enumerate(turns))
    if not turns or not alternate or turns[-1].role != "assistant":
        return None
    return (Turn("system", before.strip()), *turns) if before.strip() else turns


def find_answer_start(text: str) -> int | None:
    """Where, in a text that a chat template has rendered, the last answer that it opens begins."""
    return max((match.end() for match in _ANSWER_OPENS.finditer(text)), default=None)
