"""Sentences with their places in the text."""

from __future__ import annotations

import re
from typing import NamedTuple


class Sentence(NamedTuple):
    """The characters `start:end` (Unicode code points) of a sentence, and those characters."""

    text: str
    start: int
    end: int


_BREAK = re.compile(r"[.?!…]+[\"')\]}»”’]*(?=\s)|\n+|(?<=[。！？])")
_TITLES = frozenset("mr mrs ms dr prof st jr sr vs e.g i.e cf fig approx".split())
"""Abbreviations that a sentence goes on after; "etc." may well end one."""
_LAST_WORD = re.compile(r"[^\W\d_](?:\.?[^\W\d_])*\Z")
_LIST_MARK = re.compile(r"(?:[-*•–—]|\d{1,3}[.)])\s+")


def find_sentences(text: str) -> list[Sentence]:
    """Sentences without the white space around them, in order; a line end parts as a full stop does.

    Marks of a list ("- ", "2. ") belong to no sentence, nor does what holds no letter or digit. Abbreviations ("Dr.")
    and single initials ("J. Smith") end none.
    """
    found, start = [], 0
    for match in _BREAK.finditer(text):
        if match.group().startswith(".") and not _ends_sentence(text, start, match.start()):
            continue
        found.append(_strip(text, start, match.end()))
        start = match.end()
    found.append(_strip(text, start, len(text)))
    return [one for one in found if any(char.isalnum() for char in one.text)]


def _ends_sentence(text: str, start: int, period: int) -> bool:
    """Whether the period at `period` ends the sentence that begins at `start`."""
    if _LIST_MARK.fullmatch(text[start:period].lstrip() + ". "):
        return False
    word = _LAST_WORD.search(text[start:period])
    if word is None:
        return True
    initial = len(word.group()) == 1 and word.group().isupper() and word.group() != "I"
    return not initial and word.group().lower() not in _TITLES


def _strip(text: str, start: int, end: int) -> Sentence:
    inside = text[start:end]
    start += len(inside) - len(inside.lstrip())
    mark = _LIST_MARK.match(text, start, end)
    start = mark.end() if mark else start
    end = max(start, end - (len(inside) - len(inside.rstrip())))
    return Sentence(text[start:end], start, end)
