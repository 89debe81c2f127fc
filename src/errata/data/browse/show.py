"""Records to look at in a terminal: segments in the colour of their type, answers side by side where there is room.

Styled text in the columns of a terminal: wide characters take two, marks none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

import regex
from rich.cells import cell_len

from errata.data.browse.pieces import Piece, cut_record, cut_worse
from errata.records import SEGMENT_TYPES, Record, Response, Segment
from errata.text import make_printable

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


LEAST_COLUMN = 44
"""Answers stand side by side where each has so many columns of the terminal, else one below the other."""
_GAP = 3
_COLORS = dict(zip(SEGMENT_TYPES, ("31", "34", "35", "33", "36", "32"), strict=True))
_STYLES = {"wrong": "9", "right": "1;4"}  # struck out; bold and underlined


def render_record(record: Record, *, color: bool = False, width: int = 0) -> str:
    """A record as text: each worse answer with what should not be there as `[-…-]` and what should as `{+…+}`.

    Args:
        record: Any record; its texts may be hostile.
        color: Terminal colours instead of these marks: one per type, struck out or underlined.
        width: The terminal's columns. Answers to which there is room for stand side by side, and then each side shows
            its own spans only; else one stands below the other. 0 breaks no line.
    """
    lines = _fill(f"{record.id}  images: {', '.join(record.images) or 'none'}", width, 0)
    lines += [line for turn in record.prompt for line in _fill(f"{turn.role}: {turn.text}", width, 2)]
    columns = len(record.responses)
    room = (width - 2 - _GAP * (columns - 1)) // columns
    if columns > 1 and room >= LEAST_COLUMN:
        return "\n".join([*lines, *_render_beside(record, color, room)])
    return "\n".join([*lines, *_render_below(record, color, width)])


def render_difference(original: str, corrected: str, segments: Sequence[Segment], *, color: bool = False) -> str:
    """The original with its segments marked, on one stretch of lines."""
    return join_cells(_mark(cut_worse(original, corrected, list(enumerate(segments))), color, both=True))


def render_legend(*, color: bool = True) -> str:
    """The types in their colours."""
    return " ".join(join_cells([Cell(name, _COLORS[name] if color else "")]) for name in SEGMENT_TYPES)


def _render_below(record: Record, color: bool, width: int) -> list[str]:
    best = record.responses[0].rounds
    lines = []
    for response in record.responses:
        texts = enumerate(response.rounds)
        for turn in response.turns:
            if turn.role != "assistant":
                lines += _fill(f"{turn.role}: {turn.text}", width, 4)
                continue
            number, text = next(texts)
            segments = [item for item in enumerate(response.segments) if item[1].round == number]
            pieces = cut_worse(text, best[number], segments) if segments else [Piece(text)]
            head = Cell(f"{_head(response)}: ", "1" if color else "")
            lines += _indent([head, *_mark(pieces, color, both=True)], width, 2)
    return lines


def _fill(text: str, width: int, indent: int) -> list[str]:
    """The lines of a text that may be hostile."""
    return _indent([Cell(make_printable(text))], width, indent)


def _indent(cells: list[Cell], width: int, indent: int) -> list[str]:
    """Lines of at most `width` columns (0: as long as they are), all but the first indented a little more."""
    room = max(width - indent - 2, 1) if width else sys.maxsize
    return [" " * (indent + 2 * (number > 0)) + join_cells(line) for number, line in enumerate(fit_lines(cells, room))]


def _render_beside(record: Record, color: bool, room: int) -> list[str]:
    columns = []
    for response, cut in zip(record.responses, cut_record(record), strict=True):
        rounds = iter(cut)
        lines = fit_lines([Cell(_head(response), "1" if color else "")], room)
        for turn in response.turns:
            shown = [Cell(make_printable(f"{turn.role}: {turn.text}"))]
            lines += fit_lines(_mark(next(rounds), color, both=False) if turn.role == "assistant" else shown, room)
        columns.append(lines)
    rows = zip_longest(*columns, fillvalue=[])
    return [("  " + (" " * _GAP).join(pad_line(line, room) for line in row)).rstrip() for row in rows]


def _head(response: Response) -> str:
    return make_printable(f"level {response.level}" + (f" ({response.model})" if response.model else ""))


def _mark(pieces: Sequence[Piece], color: bool, *, both: bool) -> list[Cell]:
    """Cells of the pieces; `both` writes what is right behind what is wrong."""
    cells: list[Cell] = []
    for piece in pieces:
        if piece.role == "same":
            cells.append(Cell(make_printable(piece.text)))
            continue
        cells += _mark_side(piece.text, piece.role, piece.type, color)
        if both and piece.other:
            cells += _mark_side(piece.other, "right", piece.type, color)
        if piece.type and not color:
            cells.append(Cell(f"({piece.type})"))
    return cells


def _mark_side(text: str, role: str, kind: str | None, color: bool) -> list[Cell]:
    shown = make_printable(text)
    if not shown:
        return []
    if color:
        return [Cell(shown, f"{_STYLES[role]};{_COLORS[kind]}" if kind else _STYLES[role])]
    return [Cell(f"[-{shown}-]" if role == "wrong" else f"{{+{shown}+}}")]
