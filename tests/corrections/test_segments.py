"""Word-level differences: by hand, and as properties that hold for every pair of texts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errata.corrections import apply_segments, diff_segments, split_words
from errata.errors import DataError
from errata.records import Segment


def changes(original: str, corrected: str) -> list[tuple[str, str]]:
    """What stood there and what stands there now, by segment."""
    return [
        (original[s.start : s.end], corrected[s.better_start : s.better_end])
        for s in diff_segments(original, corrected)
    ]


@pytest.mark.parametrize(
    ("original", "corrected", "expected"),
    [
        ("a red ball", "a red ball", []),
        ("a red ball.", "a blue ball.", [("red", "blue")]),
        ("a red ball", "a ball", [("red ", "")]),
        ("a ball", "a red ball", [("", "red ")]),
        ("a dog and a cat.", "a dog.", [(" and a cat", "")]),
        ("Big dog", "dog", [("Big ", "")]),
        ("dog", "dog runs", [("", " runs")]),
        ("two red dogs run", "three blue dogs sit", [("two red", "three blue"), ("run", "sit")]),
        ("a  ball", "a ball", [(" ", "")]),
        ("a man's hat", "a woman's hat", [("man's", "woman's")]),
        ("top-left", "top-right", [("left", "right")]),
        ("it is 3.5 m", "it is 3.6 m", [("3.5", "3.6")]),
        ("一只红球", "一只蓝球", [("红", "蓝")]),
        ("ok 👍🏽", "ok 👍", [("👍🏽", "👍")]),
        ("cafe\u0301", "cafe", [("cafe\u0301", "cafe")]),
        ("cafe\u0301", "caf\u00e9", [("cafe\u0301", "caf\u00e9")]),
        ("机の上に赤い本が三冊ある。", "机の上に青い本が二冊ある。", [("赤", "青"), ("三", "二")]),
        ("แมวดำสองตัว", "แมวขาวสองตัว", [("ดำ", "ขาว")]),
        ("كلب أسود كبير.", "كلب أبيض كبير.", [("أسود", "أبيض")]),
        ("הכלב השחור, ישן", "הכלב הלבן, ישן", [("השחור", "הלבן")]),
        ("a 👩‍👩‍👧 here", "a 👩‍👩‍👦 here", [("👩‍👩‍👧", "👩‍👩‍👦")]),
        ("The dog sits.", "the dog sits!", [("The", "the"), (".", "!")]),
        ("a dog", "a dog.", [("", ".")]),
        ("", "a ball", [("", "a ball")]),
        ("a ball", "", [("a ball", "")]),
        ("", "", []),
    ],
)
def test_differences_by_hand(original: str, corrected: str, expected: list[tuple[str, str]]) -> None:
    assert changes(original, corrected) == expected


def test_frequent_words_of_long_texts_still_align() -> None:
    original = "the cat sees the dog and the bird . " * 40 + "the red ball ."
    assert changes(original, original.replace("red", "blue")) == [("red", "blue")]


@pytest.mark.timeout(20)
def test_texts_of_any_length_are_compared_in_time() -> None:
    start, end = "the red dog runs . " * 8_000, " and the cat sleeps" * 8_000
    assert changes(f"{start}a ball{end}", f"{start}a cube{end}") == [("ball", "cube")]
    original, better = "a b " * 50_000, "b c a " * 40_000
    segments = diff_segments(original, better)
    assert len(segments) == 1
    assert apply_segments(original, segments, better) == better


def test_round_and_type_are_written_into_every_segment() -> None:
    assert diff_segments("a red ball", "a blue ball", round=2, type="attribute") == (
        Segment(2, 5, 2, 6, "attribute", 2),
    )


WORDS = st.lists(
    st.sampled_from(
        [
            "a",
            "red",
            "ball",
            ",",
            ".",
            " ",
            "  ",
            "\n",
            "球",
            "一",
            "👍🏽",
            "e\u0301",
            " \u0301",
            "3.5",
            "น้ำ",
            "ด",
            "אב״ג",
            "كّ\u200f",
            "👩‍👧",
        ]
    )
)
TEXTS = st.one_of(st.text(max_size=60), WORDS.map("".join), WORDS.map(" ".join))


@given(TEXTS, TEXTS)
def test_undoing_the_segments_gives_the_better_text(original: str, better: str) -> None:
    assert apply_segments(original, diff_segments(original, better), better) == better


@given(TEXTS, TEXTS)
def test_the_way_back_gives_the_original(original: str, better: str) -> None:
    swapped = [
        replace(s, start=s.better_start, end=s.better_end, better_start=s.start, better_end=s.end)
        for s in diff_segments(original, better)
    ]
    assert apply_segments(better, swapped, original) == original


@given(TEXTS, TEXTS)
def test_segments_are_apart_and_never_empty_on_both_sides(original: str, better: str) -> None:
    segments = diff_segments(original, better)
    for one, next_one in pairwise(segments):
        assert one.end < next_one.start
        assert one.better_end < next_one.better_start
    assert all(original[s.start : s.end] != better[s.better_start : s.better_end] for s in segments)


@given(TEXTS, TEXTS)
def test_segments_never_cut_a_word(original: str, better: str) -> None:
    inside = {place for start, end in split_words(original) for place in range(start + 1, end)}
    inside_better = {place for start, end in split_words(better) for place in range(start + 1, end)}
    for s in diff_segments(original, better):
        assert inside.isdisjoint({s.start, s.end})
        assert inside_better.isdisjoint({s.better_start, s.better_end})


@given(TEXTS)
def test_equal_texts_have_no_segments(text: str) -> None:
    assert diff_segments(text, text) == ()


def test_a_segment_left_out_keeps_the_original_words() -> None:
    original, better = "two red dogs run", "three red dogs sit"
    first, second = diff_segments(original, better)
    assert apply_segments(original, [first], better) == "three red dogs run"
    assert apply_segments(original, [second], better) == "two red dogs sit"


@pytest.mark.parametrize(
    "segments",
    [
        [Segment(0, 4, 0, 1), Segment(2, 5, 1, 2)],
        [Segment(4, 5, 0, 1), Segment(0, 1, 0, 1)],
        [Segment(0, 99, 0, 1)],
        [Segment(0, 1, 0, 99)],
        [Segment(3, 2, 0, 1)],
    ],
)
def test_segments_that_do_not_fit_are_named(segments: list[Segment]) -> None:
    with pytest.raises(DataError, match=r"segment [01]: .*without overlap"):
        apply_segments("a red ball", segments, "a blue ball")
