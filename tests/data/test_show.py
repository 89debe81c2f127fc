"""Records as text for a terminal: marks, colours, columns, and hostile texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errata.corrections import diff_segments
from errata.data import render_difference, render_record
from errata.data.browse.pieces import cut_record
from errata.data.browse.show import Cell, fit_lines, measure_width
from errata.records import Record, Response, Segment, Turn
from errata.text import make_printable

BEST, WORSE = "A cube on a red table.", "A ball on a blue table."


def record(best: str = BEST, *worse: tuple[str, tuple[Segment, ...]]) -> Record:
    responses = [Response((Turn("assistant", best),), 0)]
    responses += [Response((Turn("assistant", text),), n, found, "m") for n, (text, found) in enumerate(worse, 1)]
    return Record("r", ("a.png",), (Turn("user", "What?"),), tuple(responses))


PAIR = record(BEST, (WORSE, (Segment(2, 6, 2, 6, "object"), Segment(12, 16, 12, 15, "attribute"))))


def test_marks_name_their_type_without_colour():
    shown = render_record(PAIR)
    assert "level 1 (m): A [-ball-]{+cube+}(object) on a [-blue-]{+red+}(attribute) table." in shown
    assert "\x1b" not in shown


def test_colours_are_those_of_the_types():
    shown = render_record(PAIR, color=True)
    assert "A \x1b[9;31mball\x1b[0m\x1b[1;4;31mcube\x1b[0m on a \x1b[9;33mblue\x1b[0m" in shown
    assert re.sub(r"\x1b\[[\d;]*m", "", shown).count("\x1b") == 0


def test_a_wide_terminal_shows_answers_side_by_side():
    lines = render_record(PAIR, width=100).splitlines()
    left, right = (" ".join(line[start : start + 47].strip() for line in lines[2:]) for start in (2, 52))
    assert left == "level 0 A {+cube+}(object) on a {+red+}(attribute) table."
    assert right == "level 1 (m) A [-ball-](object) on a [-blue-](attribute) table."
    assert all(measure_width(line) <= 100 for line in lines)
    assert render_record(PAIR, width=91).splitlines()[2:] == render_record(PAIR).splitlines()[2:]


def test_a_narrow_terminal_breaks_every_line_and_indents_what_follows():
    asked = Record(
        "r", ("a.png",), (Turn("user", "What stands on the table\nover there, in the corner?"),), PAIR.responses
    )
    lines = render_record(asked, width=30, color=True).splitlines()
    bare = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    assert all(len(line) <= 30 for line in bare)
    assert bare[1:4] == ["  user: What stands on the", "    table", "    over there, in the corner?"]
    assert all(line.startswith("  ") for line in bare[1:])


def test_segments_without_a_type_have_no_colour():
    shown = render_record(record(BEST, (WORSE, (Segment(2, 6, 2, 6),))), color=True)
    assert "A \x1b[9mball\x1b[0m\x1b[1;4mcube\x1b[0m on" in shown


@pytest.mark.parametrize("width", [0, 120])
def test_questions_between_answers_are_shown(width):
    turns = (Turn("assistant", "A."), Turn("user", "Sure?\x1b"), Turn("assistant", "B."))
    worse = (*turns[:2], Turn("assistant", "C."))
    shown = render_record(Record("r", (), (Turn("user", "?"),), (Response(turns, 0), Response(worse, 1))), width=width)
    assert shown.count("user: Sure?\\x1b") == 2


def test_rounds_and_gaps():
    turns = (Turn("assistant", "A."), Turn("user", "And?"), Turn("assistant", "B C."))
    worse = (Turn("assistant", "A."), Turn("user", "And?"), Turn("assistant", "C."))
    segments = (Segment(0, 0, 0, 2, round=1),)
    shown = Record("r", (), (Turn("user", "?"),), (Response(turns, 0), Response(worse, 1, segments)))
    assert "{+B +}C." in render_record(shown)
    assert [[p.text for p in rounds[1]] for rounds in cut_record(shown)] == [["B ", "C."], ["", "C."]]


@pytest.mark.parametrize(
    "text", ["\x1b[31m", "\u202e", "\u2066", "\x9b31m", "\u200b", "\ufeff", "\u2028", "\ud800", "\x00"]
)
def test_what_steers_a_terminal_is_spelled_out(text):
    shown = make_printable(f"a{text}b")
    assert shown != f"a{text}b"
    assert shown.isprintable()
    assert shown[0] + shown[-1] == "ab"


def test_what_scripts_need_is_left():
    assert make_printable("می‌خواهم 👩‍👧\né") == "می‌خواهم 👩‍👧\né"


TEXTS = st.text(alphabet="ab 一球e\u0301👍🏽\n한م👩\u200d🇩\ufe0f", max_size=60)


@given(TEXTS, st.integers(2, 30))
def test_lines_fit_and_lose_only_spaces(text, room):
    lines = ["".join(cell.text for cell in line) for line in fit_lines([Cell(text[:7], "1"), Cell(text[7:])], room)]
    assert all(measure_width(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_characters_of_several_parts_are_measured_and_kept_whole():
    widths = {"👩\u200d👩\u200d👧": 2, "🇩🇪": 2, "❤\ufe0f": 2, "👍🏽": 2, "한": 2, "e\u0301": 1}
    assert {text: measure_width(text) for text in widths} == widths
    for text in widths:
        first = fit_lines([Cell(text * 4)], 5)[0]
        assert "".join(cell.text for cell in first) in (text * 2, text * 4)


@given(TEXTS, TEXTS)
def test_pieces_make_up_both_texts(best, worse):
    if not best.strip() or not worse.strip() or best == worse:
        return
    cut = cut_record(record(best, (worse, diff_segments(worse, best))))
    assert ["".join(piece.text for piece in rounds[0]) for rounds in cut] == [best, worse]
    corrected = [piece.other if piece.role == "wrong" else piece.text for piece in cut[1][0]]
    assert "".join(corrected) == best


def test_the_best_answer_has_the_spans_of_all_others():
    three = record("A big cube.", ("A big ball.", (Segment(6, 10, 6, 10),)), ("A ball.", (Segment(2, 6, 2, 10),)))
    assert [(p.text, p.role, p.other, p.segments) for p in cut_record(three)[0][0]] == [
        ("A ", "same", "", ()),
        ("big ", "right", "ball", (1,)),
        ("cube", "right", "ball", (0, 1)),
        (".", "same", "", ()),
    ]


def test_a_difference_is_one_text_with_marks():
    assert render_difference(WORSE, BEST, diff_segments(WORSE, BEST)) == (
        "A [-ball-]{+cube+} on a [-blue-]{+red+} table."
    )
