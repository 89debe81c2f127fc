"""Words as a reader of any script sees them, as character spans.

A word is a run of letters and digits with what sticks to them (combining marks, the apostrophe of `don't`, the point
of `3.5`, direction marks and soft hyphens). Scripts written without spaces give one word per character; punctuation
marks, symbols and emoji (with skin tones, joiners and flags) are words of their own. White space belongs to no word.
"""

from __future__ import annotations

import re
from itertools import groupby

import regex

_UNSPACED_SCRIPTS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # Han iteration mark, closing mark, zero
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31FF),  # their extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA000, 0xA4CF),  # Yi
    (0xA980, 0xA9FF),  # Javanese, Myanmar extended
    (0xAA60, 0xAADF),  # Myanmar extended, Tai Viet
    (0xF900, 0xFAFF),  # Han, compatibility forms
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1AFF0, 0x1B16F),  # Kana, supplement
    (0x20000, 0x3FFFF),  # Han, further extensions
)
_APOSTROPHES = "'\u2019\u05f3\u05f4\u00b7"  # also the Hebrew marks of abbreviation and Catalan's middle point
_NUMBER_MARKS = ".,\u066b\u066c"  # also the Arabic ones

_CHUNK = re.compile(r"\S+")
_SPACE = r"\s\x1c-\x1f"  # what `str.isspace` takes for white space
_CHARACTER = regex.compile(
    rf"\X(?:\p{{M}}|[\u200c\u200d]|(?<=\u200d)[^{_SPACE}]|(?<![{_SPACE}])[\p{{Cf}}--\u200b])*", regex.VERSION1
)
"""What a reader calls one character: a grapheme of Unicode's (UAX 29), with what sticks to it in any place: marks, what
joiners join, direction marks, soft hyphens. A zero-width space stays apart, as it parts words."""
_LETTER = "[0-9A-Za-z_]"
_ASCII_WORD = re.compile(rf"{_LETTER}+(?:(?:'(?={_LETTER})|(?<=[0-9])[.,](?=[0-9])){_LETTER}+)*|\S")
"""What `_split_any` finds in ASCII, twenty times as fast."""


def split_words(text: str) -> list[tuple[int, int]]:
    """The spans of all words of `text`, in order; whatever lies between two of them is white space."""
    if text.isascii():
        return [match.span() for match in _ASCII_WORD.finditer(text)]
    words: list[tuple[int, int]] = []
    for chunk in _CHUNK.finditer(text):
        start, end = chunk.span()
        if chunk[0].isascii():
            words.extend(match.span() for match in _ASCII_WORD.finditer(text, start, end))
        else:  # with the white space before it, to which a mark at the beginning belongs
            first = max(start - 1, 0)
            words.extend((first + a, first + b) for a, b in _split_any(text[first:end]))
    return words


def _split_any(text: str) -> list[tuple[int, int]]:
    """The rule, character by character."""
    characters = [match.span() for match in _CHARACTER.finditer(text)]
    kinds = [_find_kind(text[start:end]) for start, end in characters]
    letters = [kind == "letter" or _is_inner_mark(text, characters, kinds, i) for i, kind in enumerate(kinds)]
    words: list[tuple[int, int]] = []
    for is_letter, group in groupby(range(len(characters)), key=letters.__getitem__):
        members = list(group)
        if is_letter:
            words.append((characters[members[0]][0], characters[members[-1]][1]))
        else:
            words.extend(characters[i] for i in members if kinds[i] != "space")
    return words


def _find_kind(character: str) -> str:
    """`space`, `single` (a word by itself) or `letter` (joins its neighbours into a word)."""
    if character.isspace():
        return "space"
    code = ord(character[0])
    if any(low <= code <= high for low, high in _UNSPACED_SCRIPTS):
        return "single"
    return "letter" if character[0] == "_" or any(map(str.isalnum, character)) else "single"


def _is_inner_mark(text: str, characters: list[tuple[int, int]], kinds: list[str], i: int) -> bool:
    """Whether character `i` is the apostrophe inside a word or the point or comma inside a number."""
    if not 0 < i < len(characters) - 1 or kinds[i - 1] != "letter" or kinds[i + 1] != "letter":
        return False
    start, end = characters[i]
    if text[start:end] in _APOSTROPHES:
        return True
    before, after = text[characters[i - 1][0]], text[characters[i + 1][0]]
    return text[start:end] in _NUMBER_MARKS and before.isdecimal() and after.isdecimal()
