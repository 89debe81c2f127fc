"""One reply of a judge as the cache keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any


@dataclass(frozen=True, slots=True)
class CachedReply:
    """One reply as it is kept.

    Attributes:
        key: Of model, prompt, quoted texts, images, parameters, sample and attempt.
        images, parameters: As JSON; images by the SHA-256 of their files.
        parsed: The verdict as JSON when the reply came; None where it was unreadable. Scoring again parses `raw` again.
        price: US dollars at the prices of that day; None where unknown.
        at: When the reply came, in UTC.
        finished: 0 where the limit of tokens ended it.
        changes: What of the request was not taken as it was asked, as JSON.
    """

    key: str
    judge: str
    model: str
    prompt: str
    prompt_version: int
    prompt_hash: str
    images: str
    parameters: str
    sample: int
    attempt: int
    raw: str
    parsed: str | None
    reply_model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    price: float | None
    seconds: float
    at: str
    finished: int = 1
    changes: str = "{}"


COLUMNS = tuple(field.name for field in fields(CachedReply))
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "str | None": (str, NoneType),
    "int | None": (int, NoneType),
    "float | None": (float, int, NoneType),
}
_KINDS = tuple(_TYPES[str(field.type)] for field in fields(CachedReply))


def find_wrong_type(row: Sequence[Any]) -> str:
    """What is in a row that no reply has: SQLite's columns take values of any type. Empty where nothing is."""
    for name, kinds, value in zip(COLUMNS, _KINDS, row, strict=True):
        if not isinstance(value, kinds):
            return f"a reply whose {name} is of the type {type(value).__name__}"
    return ""
