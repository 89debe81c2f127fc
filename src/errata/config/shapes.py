"""Which of several kinds a list or a group of settings is meant for."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin


def find_shaped(kind: Any, value: Any) -> tuple[Any, ...]:
    """Of a kind, or of the kinds of a union, those that a list or a group can only be meant for; none for others."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = get_args(kind)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, dict):
        return tuple(each for each in kinds if dataclasses.is_dataclass(each) or _is_kind(each, Mapping))
    if isinstance(value, list):
        return tuple(each for each in kinds if each is not str and _is_kind(each, Sequence))
    return ()


def _is_kind(kind: Any, parent: type) -> bool:
    base = get_origin(kind) or kind
    return isinstance(base, type) and issubclass(base, parent)
