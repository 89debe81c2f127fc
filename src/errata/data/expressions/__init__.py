"""A small language of conditions on records: `count(segments, "object") > 0 and words(best) < 80`.

In: a filter as text. Out: a function of a record, or an error that points at a character. The text is parsed, its
kinds are checked before a record is read, and none of it is ever run as Python; regular expressions go to an engine
whose time is linear in the text.
"""

from errata.data.expressions.names import FIELDS, FUNCTIONS
from errata.data.expressions.parser import parse_filter, parse_value
from errata.data.expressions.tokens import ExpressionError

__all__ = ["FIELDS", "FUNCTIONS", "ExpressionError", "parse_filter", "parse_value"]
