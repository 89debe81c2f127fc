"""A place in a filter's tokens: what stands there, how to go on, and the errors that name it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager

from errata.data.expressions.kinds import NAMES, Node, can_be
from errata.data.expressions.tokens import WORDS, ExpressionError, Token, split_tokens

MAX_DEPTH = 50
"""Parentheses, arguments and `not` inside one another; more is a slip, and would exhaust the stack."""


class Cursor:
    """Reads the tokens of a filter one at a time. `token` is the one that comes next."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._tokens = iter(split_tokens(expression))
        self.token = next(self._tokens)
        self._depth = 0

    def advance(self) -> None:
        """Go to the next token."""
        self.token = next(self._tokens)

    def take_word(self, word: str) -> bool:
        """Whether this word stood here; it is then passed."""
        taken = self.token.kind == "word" and self.token.value == word
        if taken:
            self.advance()
        return taken

    def take_sign(self, sign: str) -> bool:
        """Whether this sign stood here; it is then passed."""
        taken = self.token.kind == "sign" and self.token.value == sign
        if taken:
            self.advance()
        return taken

    def require_sign(self, sign: str, opening: Token, close: str = "") -> None:
        """Pass a sign that must stand here; what it belongs to began at `opening`."""
        if not self.take_sign(sign):
            signs = f"{sign} or {close}" if close else sign
            raise self.refuse(self.token, f"{signs} for what began at character {opening.at + 1}")

    @contextmanager
    def deepen(self) -> Iterator[None]:
        """Count how deep the block is, and refuse to go too deep."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.refuse(self.token, f"at most {MAX_DEPTH} parentheses or `not` inside one another", "one more")
        yield
        self._depth -= 1

    def require_truth(self, node: Node) -> None:
        """Raise ExpressionError where something else than true or false stands."""
        if not can_be(node.kind, "truth"):
            raise self.refuse_kind(node, "a comparison, or anything else that is true or false")

    def refuse(self, token: Token, expected: str, found: str = "") -> ExpressionError:
        """The error at a token."""
        found = found or ("the end of the filter" if token.kind == "end" else repr(token.value))
        return ExpressionError(self.expression, token.at, expected=expected, found=found)

    def refuse_kind(self, node: Node, expected: str) -> ExpressionError:
        """The error at a value of another kind than is needed."""
        return ExpressionError(self.expression, node.at, expected=expected, found=NAMES[node.kind])

    def refuse_name(self, name: Token, noun: str, known: list[str]) -> ExpressionError:
        """The error at a name that there is not, with the nearest one."""
        others = known + [word for word in WORDS if noun == "field"]
        near = difflib.get_close_matches(str(name.value).lower(), others, 1)
        expected = f"a {noun} (perhaps {near[0]}?)" if near else f"a {noun} of " + ", ".join(known)
        return ExpressionError(self.expression, name.at, expected=expected, found=repr(name.value))
