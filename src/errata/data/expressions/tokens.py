"""A filter's text as tokens, and the error that points at a character of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from errata.errors import ConfigError

MAX_LENGTH = 10_000
WORDS = ("and", "or", "not", "in", "contains", "matches", "true", "false", "null")
"""Words with a meaning of their own; everything else that looks like a word is a field or a function."""

TokenKind = Literal["number", "text", "name", "word", "sign", "end"]


class ExpressionError(ConfigError):
    """A filter that cannot be understood. `position` counts its characters from 0."""

    def __init__(self, expression: str, position: int, *, expected: str, found: str) -> None:
        self.position = position
        where = f"filter, character {position + 1}"
        super().__init__(
            where, expected=expected, found=found, fix=f"correct it there:\n{_point(expression, position)}"
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a filter: what kind, its text or value, and the character it begins at."""

    kind: TokenKind
    value: str | int | float
    at: int


def split_tokens(expression: str) -> list[Token]:
    """The tokens of a filter, and one of kind `end` behind them. Raises ExpressionError at what is none."""
    if len(expression) > MAX_LENGTH:
        found = f"{len(expression)} characters"
        raise ExpressionError(expression, MAX_LENGTH, expected=f"at most {MAX_LENGTH} characters", found=found)
    tokens, at = [], 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise _explain(expression, at)
        if match.lastgroup != "space":
            tokens.append(_build_token(expression, match))
        at = match.end()
    return [*tokens, Token("end", "", len(expression))]


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w)
    | (?P<text>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<name>[^\W\d]\w*)
    | (?P<sign>==|!=|<=|>=|[<>()\[\],.])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


def _build_token(expression: str, match: re.Match[str]) -> Token:
    kind, text, at = match.lastgroup, match.group(), match.start()
    if kind == "number":
        return Token("number", _read_number(expression, text, at), at)
    if kind == "text":
        return Token("text", re.sub(rf"\\({text[0]})", r"\1", text[1:-1]), at)
    if kind == "name":
        return Token("word" if text in WORDS else "name", text, at)
    return Token("sign", text, at)


def _read_number(expression: str, text: str, at: int) -> int | float:
    if len(text) <= 18 and text.lstrip("-").isdigit():
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ExpressionError(expression, at, expected="a number that a computer can hold", found=text[:40])
    return number


def _explain(expression: str, at: int) -> ExpressionError:
    """Why no token begins here."""
    char = expression[at]
    if char in "\"'":
        return ExpressionError(expression, at, expected=f"a closing {char}", found="a text without one")
    if char == "=":
        return ExpressionError(expression, at, expected="== to compare", found="a single =")
    if char.isdigit() or char == "-":
        return ExpressionError(expression, at, expected="a number", found=repr(expression[at : at + 12]))
    expected = "a field, a function, a number, a text in quotes or an operator"
    return ExpressionError(expression, at, expected=expected, found=repr(char))


def _point(expression: str, position: int) -> str:
    """The part of the filter around a character, with a mark under it."""
    start = max(0, position - 50)
    shown = "".join(char if char.isprintable() else " " for char in expression[start : position + 30])
    return f"  {shown}\n  {' ' * (position - start)}^"
