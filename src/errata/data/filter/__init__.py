"""A small language of conditions on records: `count(segments, "object") > 0 and words(best) < 80`.

In: a filter as text. Out: a function of a record, or an error that points at a character. Python's own parser says how
the words belong together, but it sees only their shape, and nothing is ever run as Python; regular expressions go to an
engine whose time is linear in the text.
"""

from errata.data.filter.conditions import parse_filter, parse_value
from errata.data.filter.fields import FIELDS, FUNCTIONS
from errata.data.filter.text import ExpressionError

__all__ = ["FIELDS", "FUNCTIONS", "ExpressionError", "parse_filter", "parse_value"]
