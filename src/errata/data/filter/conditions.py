"""A filter's tree to a function of records; kinds are checked here, before a record is read."""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from errata.data.filter.fields import FIELDS, FUNCTIONS, KINDS, LISTS, TEXTS, Kind, are_equal, is_number
from errata.data.filter.text import CONSTANTS, ExpressionError, Token, parse_tokens, refuse_token, split_tokens
from errata.records import Record

Test = Callable[[Any, Any], bool]
_ORDERS: dict[str, Test] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_WORDS = ("and", "or", "not", "in", "contains", "matches", *CONSTANTS)


def parse_filter(expression: str) -> Callable[[Record], bool]:
    """A filter as a function that says whether it keeps a record; the grammar is in docs/shape-data.md.

    Raises:
        ExpressionError: At the character from which it cannot be understood.
    """
    parser = _Parser(expression)
    truth = parser.parse_truth(parser.tree)
    return lambda record: truth.value(record) is True


def parse_value(expression: str) -> Callable[[Record], Any]:
    """A field, a call or anything else of the filters' language as a function that gives its value for a record.

    Raises:
        ExpressionError: At the character from which it cannot be understood.
    """
    parser = _Parser(expression)
    return parser.parse(parser.tree).value


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a filter: the kind of its value, the character it begins at, and its value for a record."""

    kind: Kind
    at: int
    value: Callable[[Record], Any]
    constant: Any = None


class _Parser:
    """Makes parts of the nodes that `parse` lists, and of no others."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = split_tokens(expression)
        self.tree = parse_tokens(expression, self.tokens)

    def parse(self, node: ast.expr) -> _Part:
        """The part that a node of Python's tree stands for."""
        token = self.tokens[node.lineno - 1]
        match node:
            case ast.BoolOp():
                join = all if isinstance(node.op, ast.And) else any
                parts = [self.parse_truth(value) for value in node.values]
                return _Part("truth", token.at, lambda record: join(part.value(record) is True for part in parts))
            case ast.UnaryOp(op=ast.Not()):
                part = self.parse_truth(node.operand)
                return _Part("truth", token.at, lambda record: part.value(record) is not True)
            case ast.Compare():
                return self._parse_comparison(node)
            case ast.Call():
                return self._parse_call(token, [self.parse(argument) for argument in node.args])
            case ast.List():
                return self._parse_list(token.at, node.elts)
            case ast.Name() if token.kind == "name":
                return self._parse_field(token)
            case ast.Name():
                return _Part(_kind_of(token.value), token.at, lambda _: token.value, token.value)
        raise refuse_token(self.expression, token)

    def parse_truth(self, node: ast.expr) -> _Part:
        """A part that is true or false. Raises ExpressionError where it is something else."""
        part = self.parse(node)
        self._require(part, ("truth",), "a comparison, or anything else that is true or false")
        return part

    def _parse_comparison(self, node: ast.Compare) -> _Part:
        signs = [self._find_operator(operand) for operand in node.comparators]
        if len(signs) > 1:
            raise refuse_token(self.expression, signs[1])
        left, right = self.parse(node.left), self.parse(node.comparators[0])
        test, negated = self._build_test(left, signs[0].value, right), signs[0].text.startswith(("!", "not"))
        return _Part("truth", left.at, lambda record: test(left.value(record), right.value(record)) is not negated)

    def _build_test(self, left: _Part, sign: str, right: _Part) -> Test:
        """What the operator asks of two values; kinds that never fit are refused."""
        if sign == "matches":
            self._require(left, TEXTS, "a text or a list of texts before `matches`")
            return self._build_search(right)
        if sign in ("in", "contains"):
            item, container = (left, right) if sign == "in" else (right, left)
            self._check_container(item, container, sign)
            return (lambda left, right: _holds(right, left)) if sign == "in" else _holds
        if sign in _ORDERS:
            for part in (left, right):
                self._require(part, ("text", "number"), f"a number or a text to compare with {sign}")
        elif "null" in (left.kind, right.kind):
            return are_equal
        if left.kind != "any":
            self._require(right, (left.kind,), f"{KINDS[left.kind]}, as on the left of {sign}")
        return partial(_compare_order, _ORDERS[sign]) if sign in _ORDERS else are_equal

    def _check_container(self, item: _Part, container: _Part, sign: str) -> None:
        texts, expected = ((), "a list") if sign == "in" else (("text",), "a text or a list")
        self._require(container, (*LISTS, *texts), expected)
        self._require(item, ("text", "number", "truth", "null"), "a single value")
        if container.kind in TEXTS:
            self._require(item, ("text", "null"), f"a text, to look for in {KINDS[container.kind]}")
        if container.kind == "numbers":
            self._require(item, ("number", "null"), "a number, to look for in a list of numbers")

    def _build_search(self, pattern: _Part) -> Test:
        """A search by RE2 (through Arrow): its time grows with the text alone, whatever the pattern."""
        if not isinstance(pattern.constant, str):
            raise self._refuse(pattern.at, "a regular expression in quotes", KINDS[pattern.kind])
        try:
            options = pc.MatchSubstringOptions(pattern.constant)
            _search(options, "", None)
        except ValueError as error:
            raise self._refuse(pattern.at, "a regular expression of RE2", str(error).partition("\n")[0]) from None
        return partial(_search, options)

    def _parse_call(self, name: Token, arguments: list[_Part]) -> _Part:
        function = FUNCTIONS.get(name.value)
        if function is None:
            raise self._refuse_name(name, "function", list(FUNCTIONS))
        most = len(function.arguments)
        if not 1 <= len(arguments) <= most:
            expected = "1 argument" if most == 1 else f"1 to {most} arguments"
            raise self._refuse(name.at, expected, f"{len(arguments)} of {name.value}")
        for argument, kinds in zip(arguments, function.arguments, strict=False):
            wanted = " or ".join(KINDS[kind] for kind in kinds)
            self._require(argument, kinds, f"{wanted} as argument of {name.value}")
        by_argument: dict[Kind, Kind] = {"text": "number", "texts": "numbers"}
        result = function.result or by_argument.get(arguments[0].kind, "any")
        return _Part(result, name.at, lambda record: function.compute(*(one.value(record) for one in arguments)))

    def _parse_list(self, at: int, items: list[ast.expr]) -> _Part:
        for item in items:
            token, after = self.tokens[item.lineno - 1 : item.lineno + 1]
            if token.kind not in ("number", "text", "constant"):
                raise refuse_token(self.expression, token, "v")
            if not isinstance(item, ast.Name):
                raise refuse_token(self.expression, after)
        values = [self.tokens[item.lineno - 1].value for item in items]
        kinds = set(map(_kind_of, values))
        kind: Kind = "texts" if kinds == {"text"} else "numbers" if kinds == {"number"} else "any"
        return _Part(kind, at, lambda _: values)

    def _parse_field(self, name: Token) -> _Part:
        (field, _), *keys = name.value
        if field not in FIELDS:
            raise self._refuse_name(name, "field", list(FIELDS), _WORDS)
        if keys and field != "meta":
            expected = f"no more of {field}; only `meta` has fields of its own"
            raise self._refuse(keys[0][1], expected, repr(keys[0][0]))
        kind, read, _ = FIELDS[field]
        path = [key for key, _ in keys]
        return _Part(kind, name.at, (lambda record: _follow(read(record), path)) if path else read)

    def _find_operator(self, operand: ast.expr) -> Token:
        """The operator before an operand, which parentheses may stand around."""
        return next(token for token in reversed(self.tokens[: operand.lineno - 1]) if token.kind == "operator")

    def _require(self, part: _Part, kinds: Iterable[Kind], expected: str) -> None:
        """Refuse a part that is never of those kinds; of `any`, nothing is known before a record is read."""
        if part.kind != "any" and part.kind not in kinds:
            raise self._refuse(part.at, expected, KINDS[part.kind])

    def _refuse(self, at: int, expected: str, found: str) -> ExpressionError:
        return ExpressionError(self.expression, at, expected=expected, found=found)

    def _refuse_name(self, token: Token, noun: str, known: list[str], others: Sequence[str] = ()) -> ExpressionError:
        """The error at a name that there is not, with the nearest one."""
        name = re.split(r"[\s.(]", token.text, maxsplit=1)[0]
        near = difflib.get_close_matches(name.lower(), [*known, *others], 1)
        expected = f"a {noun} (perhaps {near[0]}?)" if near else f"a {noun} of " + ", ".join(known)
        return self._refuse(token.at, expected, repr(name))


def _kind_of(constant: Any) -> Kind:
    kinds: dict[type, Kind] = {str: "text", bool: "truth", int: "number", float: "number"}
    return kinds.get(type(constant), "null")


def _compare_order(order: Test, left: Any, right: Any) -> bool:
    """An order between two numbers or two texts; between anything else, false."""
    both_texts = isinstance(left, str) and isinstance(right, str)
    return (both_texts or (is_number(left) and is_number(right))) and bool(order(left, right))


def _holds(container: Any, item: Any) -> bool:
    """Whether a text has a part, or a list an item."""
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    return isinstance(container, (list, tuple)) and any(are_equal(one, item) for one in container)


def _search(options: pc.MatchSubstringOptions, value: Any, _: Any) -> bool:
    """Whether a regular expression is found in a text, or in any text of a list."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
    array = pa.array([text for text in texts if isinstance(text, str)], pa.string())
    return bool(pc.any(pc.match_substring_regex(array, options=options)).as_py())


def _follow(value: Any, keys: list[str]) -> Any:
    """A value inside `meta`; null where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
