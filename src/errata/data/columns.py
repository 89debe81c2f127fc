"""Styled text in the columns of a terminal: wide characters take two, marks none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import regex
from rich.cells import cell_len

Line = list["Cell"]

_CHARACTER = regex.compile(r"\r|\n|\X")
"""What a terminal draws as one character; an emoji of several parts or a flag is not broken over two lines."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with the numbers of a terminal's style (`1;31`); none for plain text."""

    text: str
    style: str = ""


def measure_width(text: str) -> int:
    """How many columns the text takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit_lines(cells: Iterable[Cell], room: int) -> list[Line]:
    """The cells in lines of at most `room` columns, broken at spaces where there are any."""
    lines: list[Line] = []
    for paragraph in _split_lines([(c, cell.style) for cell in cells for c in _CHARACTER.findall(cell.text)]):
        start = 0
        while (end := _find_break(paragraph, start, room)) < len(paragraph):
            lines.append(_join(paragraph[start:end]))
            start = end + (paragraph[end][0] == " ")
        lines.append(_join(paragraph[start:]))
    return lines


def join_cells(cells: Iterable[Cell]) -> str:
    """What to print."""
    return "".join(f"\x1b[{cell.style}m{cell.text}\x1b[0m" if cell.style else cell.text for cell in cells)


def pad_line(line: Line, room: int) -> str:
    """What to print of a line, with blanks up to `room` columns."""
    return join_cells(line) + " " * (room - sum(measure_width(cell.text) for cell in line))


def _split_lines(characters: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    for character in characters:
        if character[0] == "\n":
            lines.append([])
        else:
            lines[-1].append(character)
    return lines


def _find_break(characters: list[tuple[str, str]], start: int, room: int) -> int:
    """Where the line from `start` ends: where all ends if that fits, else at the last space, else where it is full."""
    taken, space = 0, start
    for place in range(start, len(characters)):
        character = characters[place][0]
        if character == " ":
            space = place
        taken += measure_width(character)
        if taken > room:
            return space if space > start else max(place, start + 1)
    return len(characters)


def _join(characters: list[tuple[str, str]]) -> Line:
    return [Cell("".join(c for c, _ in group), style) for style, group in groupby(characters, key=lambda item: item[1])]
