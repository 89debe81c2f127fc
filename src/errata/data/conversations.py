"""The field's form of supervised data: a conversation about images, every answer of which is learned.

LLaVA, ShareGPT4V and UniMM-Chat write `conversations` (or `conversation`) with `{"from": "human" | "gpt", "value"}` and
`image`; TRL and others write `messages` with `{"role", "content"}` and `images`. `<image>`, or a part of type image,
marks where an image stands. A conversation becomes a record with one response of level 0: its prompt is the first
question, its response all that follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from errata.data.images import resolve_image, store_image
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


def is_conversation(names: Iterable[str]) -> bool:
    """Whether rows with these fields or columns hold conversations."""
    return not set(FIELDS).isdisjoint(names)


def record_from_conversation(row: Mapping[str, Any], where: str, images: tuple[str, ...], default_id: str) -> Record:
    """One row as a record with one response.

    Args:
        row: The fields or columns.
        where: Begins every error.
        images: Their paths; see `name_images` and `store_images`.
        default_id: The id where the row has none.

    Raises:
        DataError: Turns in another order or form, an empty one, an image after the first question, or as many
            placeholders as there are no images for.
    """
    turns = _read_turns(row, where)
    first = _check_order(turns, where)
    try:
        return Record(
            id=_read_id(row, where) or default_id,
            images=images,
            prompt=turns[: first + 1],
            responses=(Response(turns[first + 1 :], 0),),
            source=next((value for name in ("data_source", "ds_name") if _is_text(value := row.get(name))), None),
        )
    except DataError as error:
        raise DataError(f"{where}: {error.where}", expected=error.expected, found=error.found, fix=error.fix) from None


def name_images(row: Mapping[str, Any], where: str, root: str | Path) -> tuple[str, ...]:
    """The paths that a row of JSON names. Raises DataError for one that leads out of `root`, or is no text."""
    names = _list_images(row)
    for name in names:
        if not _is_text(name):
            found = f"{type(name).__name__} {name!r}"[:80]
            raise DataError(where, expected="an image's path, or a list of them", found=found, fix=_FIX)
        try:
            resolve_image(name, root)
        except DataError as error:
            where = f"{where}: {error.where}"
            raise DataError(where, expected=error.expected, found=error.found, fix=error.fix) from None
    return tuple(names)


def store_images(row: Mapping[str, Any], where: str, out: str | Path) -> tuple[str, ...]:
    """Write the pictures that a row of a table holds to `out`/images/. Raises DataError where bytes are missing."""
    names = []
    for picture in _list_images(row):
        data = picture.get("bytes") if isinstance(picture, Mapping) else picture
        if not isinstance(data, bytes):
            fix = "write the file with its images embedded"
            raise DataError(where, expected="the image's bytes in the row", found=f"{picture!r}"[:80], fix=fix)
        names.append(f"images/{store_image(data, Path(out) / 'images', where)}")
    return tuple(names)


def _list_images(row: Mapping[str, Any]) -> list[Any]:
    value = row.get("images") if row.get("images") is not None else row.get("image")
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _read_id(row: Mapping[str, Any], where: str) -> str:
    value = row.get("id")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise DataError(where, expected="'id' as text or a number", found=type(value).__name__, fix=_FIX)
    return str(value)


def _read_turns(row: Mapping[str, Any], where: str) -> tuple[Turn, ...]:
    name = next((name for name in FIELDS if row.get(name) is not None), FIELDS[0])
    messages = row.get(name)
    if isinstance(messages, str):  # UniMM-Chat's table holds JSON
        messages = parse_line(f"{where}: {name!r}", messages.encode())
    if not isinstance(messages, (list, tuple)) or not messages:
        found = "an empty list" if messages == [] else f"{name!r} is {type(messages).__name__}"
        raise DataError(where, expected="a conversation as a list of turns", found=found, fix=_FIX)
    return tuple(_read_turn(message, f"{where}: turn {number}") for number, message in enumerate(messages))


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


def _check_order(turns: tuple[Turn, ...], where: str) -> int:
    """The number of the first question; user and assistant alternate after it, up to an answer."""
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
