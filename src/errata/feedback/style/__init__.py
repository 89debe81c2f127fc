"""Style as a confounder: how the levels of records differ in length and wording, and what keeps that from being learnt.

In: records. Out: measures of style, records without pairs that teach it.
"""

from errata.feedback.style.measure import LevelStyle, Style, count_words, measure_style
from errata.feedback.style.rule import LengthBalance, StyleRule, Unfit, close_levels, find_unfit, guard_style

__all__ = [
    "LengthBalance",
    "LevelStyle",
    "Style",
    "StyleRule",
    "Unfit",
    "close_levels",
    "count_words",
    "find_unfit",
    "guard_style",
    "measure_style",
]
