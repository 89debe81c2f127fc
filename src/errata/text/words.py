"""Words with their places in the text.

Two readings: `find_words` is ours and gives plain words; `find_treebank_tokens` splits as NLTK's `word_tokenize` does
(sentences, then the Penn Treebank conventions), which the released CHAIR code builds on.

Sentences with their places in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Word(NamedTuple):
    """A lower-cased token and the characters `start:end` (Unicode code points) it came from."""

    text: str
    start: int
    end: int


_WORD = re.compile(r"[^\W_]+(?:['’](?!s\b)[^\W_]+)*", re.IGNORECASE)


def find_words(text: str) -> list[Word]:
    """Runs of letters and digits; inner apostrophes stay ("isn't"), possessive 's, hyphens and slashes part."""
    matches = ((match.group().lower(), match) for match in _WORD.finditer(text))
    return [Word(word, match.start(), match.end()) for word, match in matches if word != "s"]


_SENTENCE_END = re.compile(r"[.?!][\"')\]}»”’]*(?=\s)")
_BRACKETS_AND_SIGNS = r"[;@#$%&?!*\[\](){}<>\"“”„«»`‘’]"
_STANDS_ALONE = rf"\.{{2,}}|--|{_BRACKETS_AND_SIGNS}|[:,](?!\d)"
_FINAL_PERIOD = r"\.(?=[\])}>\"'»”’\s]*\Z)"
_CLITIC = rf"(?:n't|'(?:s|m|d|ll|re|ve)?)(?=\s|\Z|{_STANDS_ALONE}|{_FINAL_PERIOD})"
_FUSED = r"\b(?:can(?=not\b)|gon(?=na\b)|wan(?=na\b)|got(?=ta\b)|gim(?=me\b)|lem(?=me\b))"
_BOUNDARY = rf"{_STANDS_ALONE}|{_FINAL_PERIOD}|{_CLITIC}"
_PLAIN = r"(?!(?:cannot|gonna|wanna|gotta|gimme|lemme)\b)\w+(?=\s)"
"""A word that nothing can part, found without a look at each of its letters."""
_TREEBANK_TOKEN = re.compile(rf"{_PLAIN}|{_BOUNDARY}|{_FUSED}|(?:(?!{_BOUNDARY})\S)+", re.IGNORECASE)


def find_treebank_tokens(text: str) -> list[Word]:
    """Tokens as NLTK's `word_tokenize` splits them, lower-cased, in the order of the text.

    "dog/cat", "dog-cat" and "dog.cat" stay whole; a period parts only at the end of a sentence. Two differences touch
    no object word: double quotes keep their own character, and abbreviations lose their period ("dr", ".").
    """
    tokens = []
    for start, end in _sentence_spans(text):
        tokens += [Word(m.group().lower(), *m.span()) for m in _TREEBANK_TOKEN.finditer(text, start, end)]
    return tokens


def _sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _SENTENCE_END.finditer(text):
        yield start, match.end()
        start = match.end()
    yield start, len(text)


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
