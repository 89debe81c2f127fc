"""One value as one type, where that loses nothing."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_origin


def _to_bool(value: Any) -> bool:
    words = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
    return value if isinstance(value, bool) else words[value.lower()] if str(value).lower() in words else _fail()


def _to_int(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return int(_fail())
    return int(value)


def _to_float(value: Any) -> float:
    number = _fail() if isinstance(value, bool) else float(value)
    return float(_fail()) if math.isnan(number) else float(number)


def _to_str(value: Any) -> str:
    return value if isinstance(value, str) else str(_fail())


def _to_path(value: Any) -> Path:
    return value if isinstance(value, Path) else Path(_to_str(value)).expanduser()


def _fail() -> Any:
    raise ValueError


SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_str,
    Path: _to_path,
}
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text (in quotes)", Path: "a path"}


def describe(kind: Any) -> str:
    """A type in the words of an error message."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "one of " + ", ".join(str(member.value) for member in kind)
    if get_origin(kind) in (list, tuple):
        return "a list"
    return _WORDS.get(kind) or str(getattr(kind, "__name__", kind))
