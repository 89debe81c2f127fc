"""What stands between two values of a filter: their kinds are checked here, before a record is read."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from errata.data.expressions.cursor import Cursor
from errata.data.expressions.kinds import NAMES, Kind, Node, are_equal, build_search, can_be, compare_order, holds
from errata.data.expressions.tokens import ExpressionError, Token
from errata.records import Record

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Operators(Cursor):
    """Builds the truth of two values and an operator; refuses kinds that never fit, at their character."""

    def compare(self, left: Node, sign: Token, right: Node) -> Node:
        """`left == right`, `left < right` …"""
        if sign.value in ("==", "!="):
            if not (can_be(left.kind, right.kind, "null") or can_be(right.kind, "null")):
                raise self.refuse_kind(right, f"{NAMES[left.kind]}, as on the left of {sign.value}")
            wanted = sign.value == "=="
            return Node("truth", left.at, lambda record: are_equal(left.value(record), right.value(record)) is wanted)
        for node in (left, right):
            if not can_be(node.kind, "text", "number"):
                raise self.refuse_kind(node, f"a number or a text to compare with {sign.value}")
        if not (can_be(left.kind, right.kind) or can_be(right.kind)):
            raise self.refuse_kind(right, f"{NAMES[left.kind]}, as on the left of {sign.value}")
        order = ORDERS[str(sign.value)]
        return Node("truth", left.at, lambda record: compare_order(left.value(record), right.value(record), order))

    def hold(self, word: Token, left: Node, right: Node) -> Callable[[Record], bool]:
        """`left in right`, `left contains right`."""
        container, item = (right, left) if word.value == "in" else (left, right)
        lists: tuple[Kind, ...] = ("texts", "numbers")
        if not can_be(container.kind, *lists, *(() if word.value == "in" else ("text",))):
            raise self.refuse_kind(container, "a list" if word.value == "in" else "a text or a list")
        if not can_be(item.kind, "text", "number", "truth", "null"):
            raise self.refuse_kind(item, "a single value")
        if container.kind in ("text", "texts") and not can_be(item.kind, "text", "null"):
            raise self.refuse_kind(item, f"a text, to look for in {NAMES[container.kind]}")
        if container.kind == "numbers" and not can_be(item.kind, "number", "null"):
            raise self.refuse_kind(item, "a number, to look for in a list of numbers")
        return lambda record: holds(container.value(record), item.value(record))

    def match(self, left: Node, right: Node) -> Callable[[Record], bool]:
        """`left matches right`."""
        if not can_be(left.kind, "text", "texts"):
            raise self.refuse_kind(left, "a text or a list of texts before `matches`")
        if not isinstance(right.constant, str):
            raise self.refuse_kind(right, "a regular expression in quotes")
        try:
            search = build_search(right.constant)
        except ValueError as error:
            reason = str(error).partition("\n")[0]
            expected = "a regular expression of RE2"
            raise ExpressionError(self.expression, right.at, expected=expected, found=reason) from None
        return lambda record: search(left.value(record))
