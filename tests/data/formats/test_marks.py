"""Marked spans become typed segments that undo to the better text; UTF-16 units become code points."""

from __future__ import annotations

import random

import pytest

from errata.corrections import apply_segments
from errata.data.formats.verdicts import Mark, from_utf16, segments_from_marks
from errata.records import SEGMENT_TYPES, Segment


def test_utf16_units_become_code_points():
    text = "a🚌b é🇩🇪"
    for offset in range(len(text) + 1):
        units = len(text[:offset].encode("utf-16-le")) // 2
        assert from_utf16(text, units) == offset
    assert from_utf16(text, 2) is None  # between the halves of the bus
    assert from_utf16(text, -1) is None
    assert from_utf16(text, 100) is None


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Object", "object"),
        ("Hallucination: number", "number"),
        ("wrong_attribute", "attribute"),
        ("Other", None),
        (None, None),
    ],
)
def test_labels_are_types_in_any_case(label, kind):
    assert Mark(0, 1, label).type == kind


def test_a_mark_gives_its_extent_and_type_to_the_difference_it_touches():
    segments, unused = segments_from_marks("🚌 A blue bus waits.", "🚌 A red bus waits.", [Mark(4, 12, "attribute")])
    assert segments == (Segment(4, 12, 4, 11, type="attribute"),)
    assert not unused


def test_a_mark_on_words_that_stayed_is_returned_and_other_differences_stay_untyped():
    marks = [Mark(0, 3, "object")]
    segments, unused = segments_from_marks("One blue bus.", "One red bus.", marks)
    assert segments == (Segment(4, 8, 4, 7),)
    assert unused == marks


def test_something_put_in_belongs_to_the_mark_at_its_place():
    segments, _ = segments_from_marks("Two men.", "Two young men.", [Mark(4, 7, "attribute")])
    assert [segment.type for segment in segments] == ["attribute"]
    assert apply_segments("Two men.", segments, "Two young men.") == "Two young men."


def test_undoing_the_segments_always_gives_the_better_text():
    chance = random.Random(0)
    words = ["a", "red", "🚌", "blue", "bus", ",", "猫", "waits", "here", "12", "."]
    for _ in range(2000):
        worse, better = (" ".join(chance.choices(words, k=chance.randint(1, 9))) for _ in range(2))
        marks = []
        for _ in range(chance.randint(0, 4)):
            start, end = sorted(chance.choices(range(len(worse) + 1), k=2))
            marks.append(Mark(start, end, chance.choice(SEGMENT_TYPES)))
        segments, unused = segments_from_marks(worse, better, marks)
        assert apply_segments(worse, segments, better) == better
        assert all(worse[mark.start : mark.end] for mark in unused if mark.start < mark.end)
        assert sum(segment.type is not None for segment in segments) + len(unused) == len(marks)
