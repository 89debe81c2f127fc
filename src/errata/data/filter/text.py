"""A filter's text as tokens, their tree by Python's own parser, and the error that points at a character.

Python sees a filter in which every value is called `v`: that name, `and`, `or`, `not`, `in`, comparisons, brackets and
commas are all that it holds, whatever the text says. Each token has a line of its own, so a node's line says which
token it begins with.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field
from typing import Any

from errata.errors import ConfigError

MAX_LENGTH = 10_000
MAX_DEPTH = 50
"""Brackets and `not` inside one another; more is a slip, and would exhaust the stack."""

CONSTANTS = {"true": True, "false": False, "null": None}
_VALUES = ("number", "text", "constant", "name")
_QUOTED = r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """
_NAME = r"[^\W\d]\w*"
_FLAGS = re.VERBOSE | re.DOTALL | re.ASCII
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w)
    | (?P<text>{_QUOTED})
    | (?P<operator>(?:not\s+)?(?:in|contains|matches)\b | [=!<>]= | [<>])
    | (?P<word>(?:and|or|not)\b)
    | (?P<constant>(?:true|false|null)\b)
    | (?P<call>{_NAME}\s*\()
    | (?P<name>{_NAME}(?:\s*\.\s*(?:{_NAME}|{_QUOTED}))*)
    | (?P<sign>[()\[\],])""",
    _FLAGS,
)
_KEY = re.compile(f"{_NAME}|{_QUOTED}", _FLAGS)


class ExpressionError(ConfigError):
    """A filter that cannot be understood. `position` counts its characters from 0."""

    def __init__(self, expression: str, position: int, *, expected: str, found: str) -> None:
        self.position = position
        where = f"filter, character {position + 1}"
        super().__init__(
            where, expected=expected, found=found, fix=f"correct it there:\n{_point(expression, position)}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A piece of a filter: its kind, text and value, the character it begins at, and what is open before it."""

    kind: str
    text: str
    value: Any
    at: int
    inside: tuple[Token, ...] = field(repr=False)

    @property
    def ends_value(self) -> bool:
        """Whether a value can end here."""
        return self.kind in _VALUES or self.text in (")", "]")


def split_tokens(expression: str) -> list[Token]:
    """The tokens of a filter, and one of kind `end` behind them. Raises ExpressionError at what is none."""
    if len(expression) > MAX_LENGTH:
        found = f"{len(expression)} characters"
        raise ExpressionError(expression, MAX_LENGTH, expected=f"at most {MAX_LENGTH} characters", found=found)
    tokens: list[Token] = []
    inside: list[Token] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise _explain_character(expression, at, tokens)
        kind, text = str(match.lastgroup), match.group()
        if kind != "space":
            tokens.append(Token(kind, text, _read_value(expression, kind, text, at), at, tuple(inside)))
            _go_in_or_out(tokens[-1], inside)
            if len(inside) > MAX_DEPTH:
                expected = f"at most {MAX_DEPTH} parentheses or `not` inside one another"
                raise ExpressionError(expression, at, expected=expected, found="one more")
        at = match.end()
    return [*tokens, Token("end", "", "", at, tuple(inside))]


def parse_tokens(expression: str, tokens: list[Token]) -> ast.expr:
    """The tree of all tokens. Raises ExpressionError at the first with which no filter can go on."""
    lines = [_write_python(token, before) for before, token in zip([None, *tokens], tokens[:-1], strict=False)]
    try:
        return _parse_python(lines)
    except SyntaxError:
        good, bad = 0, len(tokens)  # so many tokens can begin a filter, and so many cannot
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if _find_ending(tokens, lines, middle) is None else (middle, bad)
    raise refuse_token(expression, tokens[good], _find_ending(tokens, lines, good))


def refuse_token(expression: str, token: Token, ending: str | None = "") -> ExpressionError:
    """The error at a token that cannot stand where it does; `ending` could, or an operator where it is empty."""
    openings = [opening for opening in token.inside if opening.text != "not"]
    if ending == "in v":
        expected = "`in`, `contains` or `matches` behind `not`"
    elif ending == "v" and openings and openings[-1].text == "[":
        expected = "a number or a text in quotes, or ] to close the list"
    elif ending == "v":
        expected = "a field, a function, a number, a text in quotes or a parenthesis"
    elif openings:
        signs = {"(": ")", "[": ", or ]"}.get(openings[-1].text, ", or )")
        expected = f"{signs} for what began at character {openings[-1].at + 1}"
    else:
        expected = "an operator, `and`, `or`, or the end"
    text = token.value if token.kind in ("text", "call") else token.text
    found = "the end of the filter" if token.kind == "end" else repr(text)
    return ExpressionError(expression, token.at, expected=expected, found=found)


def _read_value(expression: str, kind: str, text: str, at: int) -> Any:
    """What a token says: a number, a text, a constant, an operator's or a function's name, a field and its keys."""
    if kind == "number":
        return _read_number(expression, text, at)
    if kind == "text":
        return re.sub(rf"\\({text[0]})", r"\1", text[1:-1])
    if kind == "name":
        keys = ((match.group(), at + match.start()) for match in _KEY.finditer(text))
        return [(_read_value("", "text", key, 0) if key[0] in "\"'" else key, place) for key, place in keys]
    if kind == "call":
        return text[:-1].rstrip()
    return CONSTANTS[text] if kind == "constant" else text.split()[-1]


def _read_number(expression: str, text: str, at: int) -> int | float:
    if len(text) <= 18 and text.lstrip("-").isdigit():
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ExpressionError(expression, at, expected="a number that a computer can hold", found=text[:40])
    return number


def _go_in_or_out(token: Token, inside: list[Token]) -> None:
    """Bring what is open up to date: brackets, calls, and each `not` until its value ends."""
    if token.kind == "call" or token.text in ("(", "[", "not"):
        inside.append(token)
    elif token.ends_value:
        for closes in (token.kind == "sign", False):
            while inside and inside[-1].text == "not":
                inside.pop()
            if closes and inside:
                inside.pop()


def _write_python(token: Token, before: Token | None) -> str:
    """A token for Python's parser; `;`, which is nowhere allowed, for what Python would take and a filter does not."""
    opening = token.inside[-1].text if token.inside else ""
    if (
        (token.text in ("(", "[") and before and before.ends_value)  # a call of a value, a subscript
        or (token.text == "," and opening in ("", "("))  # a tuple
        or (token.text in (")", "]") and before and before.text in (",", "(" if token.text == ")" else ","))
    ):
        return ";"
    if token.kind in _VALUES:
        return "v"
    if token.kind == "call":
        return "v("
    if token.value in ("in", "contains", "matches"):
        return "not in" if token.text.startswith("not") else "in"
    return token.text


def _parse_python(lines: list[str]) -> ast.expr:
    return ast.parse(" \\\n".join(lines), mode="eval").body


def _find_ending(tokens: list[Token], lines: list[str], count: int) -> str | None:
    """What, with the brackets that are open, makes a filter of the first tokens: nothing, a value, `in` and a value."""
    openings = [opening.text for opening in reversed(tokens[count].inside) if opening.text != "not"]
    closing = ["]" if opening == "[" else ")" for opening in openings]
    for ending in ("v", "", "in v"):
        try:
            _parse_python([*lines[:count], *filter(None, [ending]), *closing])
        except SyntaxError:
            continue
        return ending
    return None


def _explain_character(expression: str, at: int, tokens: list[Token]) -> ExpressionError:
    """Why no token begins here."""
    char, found = expression[at], repr(expression[at])
    if char == "." and tokens and tokens[-1].kind == "name":
        rest = expression[at + 1 :].lstrip()
        at = len(expression) - len(rest)
        expected = "a name behind the point, in quotes where it is no plain word"
        found = repr(rest[0]) if rest else "the end of the filter"
    elif char in "\"'":
        expected, found = f"a closing {char}", "a text without one"
    elif char == "=":
        expected, found = "== to compare", "a single ="
    elif char.isdigit() or char == "-":
        expected, found = "a number", repr(expression[at : at + 12])
    else:
        expected = "a field, a function, a number, a text in quotes or an operator"
    return ExpressionError(expression, at, expected=expected, found=found)


def _point(expression: str, position: int) -> str:
    """The part of the filter around a character, with a mark under it."""
    start = max(0, position - 50)
    shown = "".join(char if char.isprintable() else " " for char in expression[start : position + 30])
    return f"  {shown}\n  {' ' * (position - start)}^"
