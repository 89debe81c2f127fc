"""Spans and edits become marks; whatever the offsets say, the text comes out whole and escaped."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from errata.reports.marking import KINDS, mark_edits, mark_spans


def plain(html: str) -> str:
    """The visible text: tags and what only screen readers hear are taken away."""
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r'<span class="unseen">[^<]*</span>', "", html)))


def test_a_hallucinated_word_is_marked_and_said() -> None:
    html = mark_spans("a cat & a dog", [{"start": 10, "end": 13, "kind": "hallucinated", "object": "dog"}])
    assert html.startswith("a cat &amp; a <mark class=")
    assert '<span class="unseen">not in the image: </span>dog</mark>' in html


def test_the_more_serious_of_two_overlapping_marks_is_shown() -> None:
    spans = [{"start": 0, "end": 8, "kind": "true"}, {"start": 4, "end": 8, "kind": "hallucinated"}]
    html = mark_spans("red ball", spans)
    assert re.findall(r'class="(\w+)" title', html) == ["true", "hallucinated"]
    assert plain(html) == "red ball"


def test_parts_outside_the_text_are_cut_off() -> None:
    assert plain(mark_spans("abc", [{"start": -4, "end": 99, "kind": "true"}])) == "abc"
    assert "<mark" not in mark_spans(
        "abc", [{"start": 3, "end": 9, "kind": "true"}, {"start": 2, "end": 1, "kind": "true"}]
    )


def test_markup_in_a_span_is_escaped() -> None:
    html = mark_spans("<script>x</script>", [{"start": 0, "end": 8, "kind": "hallucinated", "object": "<b>"}])
    assert "<script" not in html
    assert plain(html) == "<script>x</script>"


OFFSET = st.one_of(st.integers(-5, 40), st.none(), st.booleans(), st.text(max_size=2))
SPAN = st.fixed_dictionaries(
    {"start": OFFSET, "end": OFFSET, "kind": st.one_of(st.sampled_from(list(KINDS)), st.none(), st.lists(st.none()))}
)


@given(st.text(alphabet="ab<>&\"'é😀 ", max_size=30), st.lists(st.one_of(SPAN, st.none(), st.integers()), max_size=6))
def test_any_spans_leave_the_text_whole(text: str, spans: list[Any]) -> None:
    html = mark_spans(text, spans)
    assert plain(html) == text
    assert html.count("<mark") == html.count("</mark>")


def test_edits_stand_in_place_with_their_type() -> None:
    segments = [{"start": 2, "end": 5, "better_start": 2, "better_end": 6, "type": "attribute"}]
    html = mark_edits("a red ball", "a blue ball", segments)
    assert plain(html) == "a redblueattribute ball"
    assert '<del><span class="unseen">removed: </span>red</del>' in html
    assert '<ins><span class="unseen">inserted: </span>blue</ins>' in html


def test_pure_insertion_and_pure_deletion() -> None:
    inserted = mark_edits("a ball", "a red ball", [{"start": 2, "end": 2, "better_start": 2, "better_end": 6}])
    removed = mark_edits("a red ball", "a ball", [{"start": 2, "end": 6, "better_start": 2, "better_end": 2}])
    assert "<del>" not in inserted
    assert "<ins>" not in removed


def test_unusable_edits_are_left_out() -> None:
    good = {"start": 0, "end": 1, "better_start": 0, "better_end": 1}
    bad = [
        good | {"end": 99},
        good | {"start": -1},
        good | {"better_end": 99},
        good | {"end": "1"},
        good | {"end": None},
    ]
    assert mark_edits("abc", "xbc", bad) == "abc"
    assert plain(mark_edits("abc", "xbc", [good, good | {"type": "<b>"}])) == "axbc"
