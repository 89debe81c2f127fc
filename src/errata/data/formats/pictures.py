"""The pictures of a row: in columns of their own or inside messages, in every form that people give them.

A picture is a path, a web address, a `data:` address, base64, bytes, `{"bytes", "path"}` as `datasets` stores it, or an
object of any of these under `path`, `url`, `base64` …, as servers of models take it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from typing import Any

from errata.data.formats.format import ReadContext
from errata.data.formats.vocabulary import guess_content
from errata.data.image_store import KEYS
from errata.data.rows import Row, is_empty

COLUMNS = ("images", "image")
OTHER_NAMES = tuple(
    f"{stem}{ending}"
    for ending in ("", "s", "_path", "_paths", "_file", "_files", "_url", "_urls", "_base64", "_b64")
    for stem in ("image", "img", "picture", "photo")
    if (stem, ending) not in (("image", ""), ("image", "s"))
)
"""Columns of a row's pictures; one of the other names is read where a row has none of the first."""

PART_TYPES = ("image", "image_url", "input_image")


def find_picture_columns(row: Row) -> tuple[str, ...]:
    """The columns that `list_images` reads."""
    usual = tuple(name for name in COLUMNS if not is_empty(row.get(name)))
    return usual or tuple(name for name in OTHER_NAMES if not is_empty(row.get(name)))[:1]


def list_images(row: Row, context: ReadContext, messages: Any = ()) -> list[Any]:
    """The pictures under `images`, `image` or another name, a list or one alone, and those in parts of messages.

    Args:
        row: The row.
        context: Its place.
        messages: The turns up to the answers; parts of them hold pictures, or stand for those of the columns in turn.

    Raises:
        DataError: Two columns with different pictures.
    """
    found = [_list_column(row[name]) for name in find_picture_columns(row)]
    if len(found) == 2 and found[0] != found[1]:
        fix = "leave one of them out: --ignore image, or --ignore images"
        raise context.error("pictures under 'images' or under 'image'", "different ones under both", fix)
    given = found[0] if found else []
    inside = [_take_picture(part, given) for part in _list_parts(messages)]
    if all(picture is None for picture in inside):
        return given
    used = {id(picture) for picture in inside if picture is not None}
    left = iter([picture for picture in given if id(picture) not in used])
    # Empty parts take the column's pictures in turn, as TRL fills them.
    return [next(left, None) if picture is None else picture for picture in inside] + list(left)


def is_picture_part(part: Any) -> bool:
    """Whether a part of a message is a picture, or the place of one."""
    if not isinstance(part, Mapping):
        return False
    if part.get("type") is None:  # Qwen's form: {"image": …} and {"text": …}
        return not is_empty(part.get("image")) or not is_empty(part.get("image_url"))
    return part["type"] in PART_TYPES


def list_names_of(value: Any) -> list[str]:
    """Names of the pictures of a column; one whose bytes stand in the row counts by any name."""
    if isinstance(value, (list, tuple)):
        return [path for one in value for path in list_names_of(one)]
    if isinstance(value, Mapping):
        return [str(value.get("path") or value.get("url") or "")]
    return [value if isinstance(value, str) else ""]


def require_all_shown(fields: Mapping[str, Any], image: str | None, context: ReadContext) -> None:
    """Raise DataError where a field besides `image` holds a picture, unless the user said which was shown."""
    if "image" in context.columns:
        return
    image = None if image is None or is_empty(fields[image]) else image
    shown = list_names_of(fields[image]) if image is not None else []
    for name, value in fields.items():
        if name != image and guess_content(name, value, shown) == "a picture":
            found = f"a picture under {name!r}" + (f" besides {image!r}" if image is not None else "")
            fix = f"say which field was shown: --columns image={image or name}, or put several into it as a list"
            raise context.error("all pictures in one field of a usual name", found, fix)


def _list_column(value: Any) -> list[Any]:
    """The pictures of a cell: of a list, in a table also as JSON or as Python prints one, or one alone."""
    if isinstance(value, str) and value.startswith("["):
        value = _parse_list(value)
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _parse_list(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text


def _list_parts(messages: Any) -> list[Mapping[str, Any]]:
    """The parts of messages that are pictures, in order."""
    turns = messages if isinstance(messages, (list, tuple)) else []
    contents = [turn.get(key) for turn in turns if isinstance(turn, Mapping) for key in ("content", "value")]
    parts = [part for content in contents if isinstance(content, (list, tuple)) for part in content]
    return [part for part in parts if is_picture_part(part)]


def _take_picture(part: Mapping[str, Any], given: list[Any]) -> Any:
    """What a part holds: a picture, or the number of one in the column; None where it only marks the place."""
    index = part.get("index")
    if type(index) is int and 0 <= index < len(given) and all(is_empty(part.get(key)) for key in KEYS):
        return given[index]
    held: Iterable[Any] = (part.get(key) for key in KEYS)
    if all(is_empty(one) for one in held):
        return None
    return {key: part[key] for key in KEYS if not is_empty(part.get(key))}
