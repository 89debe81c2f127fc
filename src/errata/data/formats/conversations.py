"""The field's form of supervised data: a conversation about images, every answer of which is learned.

LLaVA, ShareGPT4V and UniMM-Chat write `conversations` (or `conversation`) with `{"from": "human" | "gpt", "value"}` and
`image`; TRL and others write `messages` with `{"role", "content"}` and `images`. `<image>`, or a part of type image,
marks where an image stands; such a part may hold it. A conversation becomes a record with one response of level 0: its
prompt is the first question, its response all that follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from errata.data.containers import Row
from errata.data.formats.format import Format, ReadContext, Sample
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Role, Turn
from errata.records.lines import parse_line

FIELDS = ("conversations", "conversation", "messages")
_ROLES: dict[Any, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_FIX = "fix the row"


def _recognise(sample: Sample) -> bool:
    return not sample.names.isdisjoint(FIELDS)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    turns = read_turns(row, context.where)
    first = check_order(turns, context.where)
    stem = "conversation" if context.kind == "parquet" else context.path.stem
    yield context.build_record(
        id=_read_id(row, context) or f"{stem}-{context.number}",
        images=context.store(list_images(row)),
        prompt=turns[: first + 1],
        responses=(Response(turns[first + 1 :], 0),),
        source=next((value for name in ("data_source", "ds_name") if _is_text(value := row.get(name))), None),
    )


def list_images(row: Mapping[str, Any]) -> list[Any]:
    """The pictures under `images` or `image`, a list or one alone, and those that stand in parts of messages."""
    value = row.get("images") if row.get("images") is not None else row.get("image")
    given = [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]
    inside = _list_parts(row)
    if all(picture is None for picture in inside):
        return given
    left = iter(given)  # empty parts take these in turn, as TRL fills them
    return [next(left, None) if picture is None else picture for picture in inside] + list(left)


def _list_parts(row: Mapping[str, Any]) -> list[Any]:
    """The `image` of every part of type image in the messages that hold the question."""
    messages = next(
        (row[name] for name in ("prompt", *FIELDS, "chosen") if isinstance(row.get(name), (list, tuple))), ()
    )
    contents = [message.get("content") for message in messages if isinstance(message, Mapping)]
    parts = [part for content in contents if isinstance(content, (list, tuple)) for part in content]
    return [part.get("image") for part in parts if isinstance(part, Mapping) and part.get("type") == "image"]


def read_turns(row: Mapping[str, Any], where: str) -> tuple[Turn, ...]:
    """The turns under the first of `FIELDS` that the row has. Raises DataError that begins with `where`."""
    name = next((name for name in FIELDS if row.get(name) is not None), FIELDS[0])
    messages = row.get(name)
    if isinstance(messages, str):  # UniMM-Chat's table holds JSON
        messages = parse_line(f"{where}: {name!r}", messages.encode("utf-8", "surrogatepass"))
    return parse_messages(messages, where, name)


def parse_messages(messages: Any, where: str, name: str) -> tuple[Turn, ...]:
    """A list of `{"from", "value"}` or `{"role", "content"}` as turns; `name` is the field that holds it."""
    if not isinstance(messages, (list, tuple)) or not messages:
        found = "an empty list" if messages == [] else f"{name!r} is {type(messages).__name__}"
        raise DataError(where, expected="a conversation as a list of turns", found=found, fix=_FIX)
    return tuple(_read_turn(message, f"{where}: turn {number}") for number, message in enumerate(messages))


def _read_id(row: Mapping[str, Any], context: ReadContext) -> str:
    value = row.get("id")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise context.error("'id' as text or a number", type(value).__name__)
    return str(value)


def _read_turn(message: Any, where: str) -> Turn:
    if not isinstance(message, Mapping):
        raise DataError(where, expected="a turn as an object", found=type(message).__name__, fix=_FIX)
    speaker = message.get("from") if message.get("from") is not None else message.get("role")
    role = _ROLES.get(speaker) if isinstance(speaker, str) else None
    if role is None:
        found = "no 'from' or 'role'" if speaker is None else f"{speaker!r}"[:80]
        raise DataError(where, expected="a speaker of " + ", ".join(_ROLES), found=found, fix=_FIX)
    content = message.get("value") if message.get("value") is not None else message.get("content")
    return Turn(role, _join_parts(content, where))


def _join_parts(content: Any, where: str) -> str:
    """A text, or a list of `{"type": "image"}` and `{"type": "text", "text"}`, as one text."""
    parts = content if isinstance(content, (list, tuple)) else [{"type": "text", "text": content}]
    texts = []
    for part in parts:
        kind = part.get("type") if isinstance(part, Mapping) else None
        text = IMAGE_PLACEHOLDER if kind == "image" else part.get("text") if kind == "text" else None
        if not isinstance(text, str):
            found = f"{content!r}"[:80]
            raise DataError(where, expected="a text, or parts of type image and text", found=found, fix=_FIX)
        texts.append(text)
    return "".join(texts)


def check_order(turns: tuple[Turn, ...], where: str) -> int:
    """The number of the first question; user and assistant alternate after it, up to an answer. Else DataError."""
    first = 1 if turns[0].role == "system" else 0
    for number, turn in enumerate(turns):
        expected = ("user", "assistant")[(number - first) % 2] if number >= first else "system"
        place = f"{where}: turn {number}"
        if turn.role != expected:
            rule = f"a turn of the {expected}, as user and assistant alternate from the user on"
            raise DataError(place, expected=rule, found=f"one of the {turn.role}", fix=_FIX)
        if not turn.text.strip():
            raise DataError(place, expected="a text", found=f"an empty turn of the {turn.role}", fix=_FIX)
        if number != first and IMAGE_PLACEHOLDER in turn.text:
            rule, found = "all images in the first question", f"{IMAGE_PLACEHOLDER} in a turn of the {turn.role}"
            raise DataError(place, expected=rule, found=found, fix=_FIX)
    if turns[-1].role != "assistant":
        found = f"a last turn of the {turns[-1].role}"
        raise DataError(where, expected="a conversation that ends with an answer", found=found, fix=_FIX)
    return first


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


CONVERSATIONS = Format(
    "conversations",
    "conversations of LLaVA, ShareGPT4V, UniMM-Chat, and messages",
    _recognise,
    _read_row,
)
