"""Sentences, and nouns with the phrases that they head."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errata.text import find_noun_chunks, find_sentences
from errata.world import EVALUATION, describe, sample_scenes


def chunks_of(text):
    return [(chunk.noun, chunk.text) for chunk in find_noun_chunks(text)]


def test_sentences_part_at_stops_and_line_ends_but_not_in_abbreviations():
    text = "1. Two zebras graze.\n2. Mr. J. Smith waits, e.g. for a bus. It is 3.5 m long! \n\n- A dog"
    assert [sentence.text for sentence in find_sentences(text)] == [
        "Two zebras graze.",
        "Mr. J. Smith waits, e.g. for a bus.",
        "It is 3.5 m long!",
        "A dog",
    ]


@given(st.text(alphabet="ab .!?\n-1\"'é…。", max_size=40))
def test_sentences_lie_in_order_where_they_say_and_lose_no_letter(text):
    sentences = find_sentences(text)
    assert all(text[one.start : one.end] == one.text for one in sentences)
    assert all(one.end <= other.start for one, other in pairwise(sentences))
    letters = "".join(one.text for one in sentences)
    assert sum(map(letters.count, "abé")) == sum(map(text.count, "abé"))


def test_the_worlds_descriptions_give_one_chunk_a_thing():
    for scene in sample_scenes("chunks", 50, 0, EVALUATION):
        found = find_noun_chunks(describe(scene))
        assert [(chunk.noun, chunk.text.split()[1]) for chunk in found] == [
            (thing.category, thing.colour) for thing in scene.things
        ]
        assert [chunk.sentence.text.partition(":")[0] for chunk in found] == [thing.position for thing in scene.things]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The image shows a black and white cat sitting on a wooden table, next to a laptop.",
            ["The image", "a black and white cat sitting on a wooden table", "a wooden table", "a laptop"],
        ),
        (
            "A man in a red hat who is holding a cup sits on a bench in the park.",
            ["A man in a red hat who is holding a cup", "a red hat", "a cup", "a bench", "the park"],
        ),
        ("There is a man on a bench in a park.", ["a man on a bench in a park", "a bench in a park", "a park"]),
        ("A group of people are standing in front of it.", ["A group of people", "people"]),
        ("a cat in front of a box", ["a cat in front of a box", "a box"]),
        ("The dog that is sitting on the mat is brown.", ["The dog that is sitting on the mat", "the mat"]),
        ("Smith's car, a red convertible, is parked.", ["Smith's car", "a red convertible"]),
        ("a cup and a lively fire hydrant", ["a cup", "a lively fire hydrant"]),
        ("A man juggles an orange. The sky is gloomy and orange.", ["A man", "an orange", "The sky"]),
        ("He watches the play in the left of it.", ["the play", "the left"]),
        ("Top: it is there. Yes.", []),
        ("", []),
    ],
)
def test_a_noun_takes_what_belongs_to_it(text, expected):
    found = find_noun_chunks(text)
    assert [chunk.text for chunk in found] == expected
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in found)


def test_the_head_is_singular_and_lower_cased():
    assert chunks_of("Two Zebras with stripes")[0] == ("zebra", "Two Zebras with stripes")
    assert chunks_of("several fire hydrants")[0][0] == "hydrant"


@given(st.text(max_size=60))
def test_any_text_has_chunks_inside_their_sentences(text):
    for chunk in find_noun_chunks(text):
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.sentence.start <= chunk.start < chunk.end <= chunk.sentence.end
