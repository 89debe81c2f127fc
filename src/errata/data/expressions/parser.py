"""A filter's text to a function of records, by recursive descent. Nothing of it is ever executed as Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from errata.data.expressions.kinds import NAMES, Kind, Node, can_be
from errata.data.expressions.names import FIELDS, FUNCTIONS, Function
from errata.data.expressions.operators import ORDERS, Operators
from errata.data.expressions.tokens import ExpressionError, Token
from errata.records import Record


def parse_filter(expression: str) -> Callable[[Record], bool]:
    """A filter as a function that says whether it keeps a record; the grammar is in docs/shape-data.md.

    Raises:
        ExpressionError: At the character from which it cannot be understood.
    """
    parser = _Parser(expression)
    node = parser.parse_all()
    parser.require_truth(node)
    return lambda record: node.value(record) is True


def parse_value(expression: str) -> Callable[[Record], Any]:
    """A field, a call or anything else of the filters' language as a function that gives its value for a record.

    Raises:
        ExpressionError: At the character from which it cannot be understood.
    """
    return _Parser(expression).parse_all().value


class _Parser(Operators):
    """Every method leaves the first token that is not its own."""

    def parse_all(self) -> Node:
        """The whole text as one value."""
        node = self.parse_or()
        if self.token.kind != "end":
            raise self.refuse(self.token, "an operator, `and`, `or`, or the end")
        return node

    def parse_or(self) -> Node:
        with self.deepen():
            return self._parse_chain("or", self._parse_and, any)

    def _parse_and(self) -> Node:
        return self._parse_chain("and", self._parse_not, all)

    def _parse_chain(self, word: str, parse: Callable[[], Node], join: Callable[..., bool]) -> Node:
        """Operands joined by one word; alone, an operand stays what it is."""
        nodes = [parse()]
        while self.take_word(word):
            self.require_truth(nodes[-1])
            nodes.append(parse())
            self.require_truth(nodes[-1])
        if len(nodes) == 1:
            return nodes[0]
        return Node("truth", nodes[0].at, lambda record: join(node.value(record) is True for node in nodes))

    def _parse_not(self) -> Node:
        at = self.token.at
        if not self.take_word("not"):
            return self._parse_comparison()
        with self.deepen():
            node = self._parse_not()
        self.require_truth(node)
        return Node("truth", at, lambda record: node.value(record) is not True)

    def _parse_comparison(self) -> Node:
        left, sign = self._parse_value(), self.token
        if sign.kind == "sign" and sign.value in ("==", "!=", *ORDERS):
            self.advance()
            return self.compare(left, sign, self._parse_value())
        if sign.kind == "word" and sign.value in ("in", "contains", "matches", "not"):
            return self._parse_containing(left)
        return left

    def _parse_containing(self, left: Node) -> Node:
        negated = self.take_word("not")
        if negated and not (self.token.kind == "word" and self.token.value in ("in", "contains", "matches")):
            raise self.refuse(self.token, "`in`, `contains` or `matches` behind `not`")
        word = self.token
        self.advance()
        right = self._parse_value()
        test = self.match(left, right) if word.value == "matches" else self.hold(word, left, right)
        return Node("truth", left.at, (lambda record: not test(record)) if negated else test)

    def _parse_value(self) -> Node:
        token = self.token
        if token.kind in ("number", "text") or token.value in ("true", "false", "null", "["):
            return self._parse_constant()
        if token.kind == "name":
            self.advance()
            return self._parse_call(token) if self.take_sign("(") else self._parse_field(token)
        if self.take_sign("("):
            node = self.parse_or()
            self.require_sign(")", token)
            return node
        raise self.refuse(token, "a field, a function, a number, a text in quotes or a parenthesis")

    def _parse_constant(self) -> Node:
        token = self.token
        self.advance()
        if token.value == "[" and token.kind == "sign":
            return self._parse_list(token)
        words: dict[str | int | float, tuple[Kind, Any]] = {
            "true": ("truth", True),
            "false": ("truth", False),
            "null": ("null", None),
        }
        kind: Kind = "number" if token.kind == "number" else "text"
        value: Any = token.value
        if token.kind == "word":
            kind, value = words[token.value]
        return Node(kind, token.at, lambda _: value, constant=value)

    def _parse_list(self, opening: Token) -> Node:
        items: list[Node] = []
        while not self.take_sign("]"):
            if items:
                self.require_sign(",", opening, close="]")
            if self.token.kind not in ("number", "text") and self.token.value not in ("true", "false", "null"):
                raise self.refuse(self.token, "a number or a text in quotes, or ] to close the list")
            items.append(self._parse_constant())
        kinds = {node.kind for node in items}
        kind: Kind = "texts" if kinds == {"text"} else "numbers" if kinds == {"number"} else "any"
        values = [node.constant for node in items]
        return Node(kind, opening.at, lambda _: values)

    def _parse_call(self, name: Token) -> Node:
        function = FUNCTIONS.get(str(name.value))
        if function is None:
            raise self.refuse_name(name, "function", list(FUNCTIONS))
        arguments: list[Node] = []
        while not self.take_sign(")"):
            if arguments:
                self.require_sign(",", name, close=")")
            arguments.append(self.parse_or())
        self._check_arguments(name, function, arguments)
        result = function.result or (
            "number" if arguments[0].kind == "text" else "numbers" if arguments[0].kind == "texts" else "any"
        )
        return Node(result, name.at, lambda record: function.compute(*(one.value(record) for one in arguments)))

    def _check_arguments(self, name: Token, function: Function, arguments: list[Node]) -> None:
        if not 1 <= len(arguments) <= len(function.arguments):
            most = len(function.arguments)
            expected = "1 argument" if most == 1 else f"1 to {most} arguments"
            found = f"{len(arguments)} of {name.value}"
            raise ExpressionError(self.expression, name.at, expected=expected, found=found)
        for node, kinds in zip(arguments, function.arguments, strict=False):
            if not can_be(node.kind, *kinds):
                wanted = " or ".join(NAMES[kind] for kind in kinds)
                raise self.refuse_kind(node, f"{wanted} as argument of {name.value}")

    def _parse_field(self, name: Token) -> Node:
        if name.value not in FIELDS:
            raise self.refuse_name(name, "field", list(FIELDS))
        kind, read, _ = FIELDS[str(name.value)]
        path: list[str] = []
        while self.take_sign("."):
            path.append(self._take_key(name))
        return Node(kind, name.at, lambda record: _follow(read(record), path)) if path else Node(kind, name.at, read)

    def _take_key(self, name: Token) -> str:
        key = self.token
        if name.value != "meta":
            raise self.refuse(key, f"no more of {name.value}; only `meta` has fields of its own")
        if key.kind not in ("name", "word", "text"):
            raise self.refuse(key, "a name behind the point, in quotes where it is no plain word")
        self.advance()
        return str(key.value)


def _follow(value: Any, path: list[str]) -> Any:
    """A value inside `meta`; null where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
