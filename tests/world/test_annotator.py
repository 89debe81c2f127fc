"""The annotator corrects what is wrong, leaves what is right, and overlooks the stated share."""

from __future__ import annotations

import numpy as np
import pytest

from errata.corrections import apply_segments
from errata.world import (
    CORRECTION,
    DESCRIBE,
    Carelessness,
    apply_edits,
    build_correction,
    careless_caption,
    correct_description,
    correct_verdict,
    describe,
    sample_scenes,
)
from errata.world.scenes import Scene, Thing

PERFECT = Carelessness(missed_share=0.0, mistaken_share=0.0)


def make_scene(*things: tuple[int, str, str]) -> Scene:
    return Scene("s", tuple(Thing(c, colour, cell, 1.0, 0.8, (0.0, 0.0)) for cell, colour, c in things), (), 0.0, 0)


SCENE = make_scene((0, "red", "ball"), (4, "blue", "moon"))


@pytest.mark.parametrize(
    ("text", "corrected", "kinds"),
    [
        ("Top-left: a red ball. Center: a blue moon.", "Top-left: a red ball. Center: a blue moon.", []),
        ("Top-left: a red ball. Top: a green star. Center: a blue moon.", describe(SCENE), ["object"]),
        ("Top-left: a red ball. Center: a blue moon. Right: a green star.", describe(SCENE), ["object"]),
        ("Top: a green star. Top-left: a red ball. Center: a blue moon.", describe(SCENE), ["object"]),
        ("Top-left: a green ball. Center: a blue moon.", describe(SCENE), ["attribute"]),
        ("Top-left: a red ball. Center: a blue star.", describe(SCENE), ["object"]),
        ("Top-left: a red ball. Right: a blue moon.", describe(SCENE), ["position"]),
        ("Top-left: a red ball. Top-left: a red ball. Center: a blue moon.", describe(SCENE), ["object"]),
        ("Top-left: an orange ball. Center: a blue moon.", describe(SCENE), ["attribute"]),
    ],
)
def test_each_kind_of_mistake(text, corrected, kinds):
    edits = correct_description(SCENE, text, PERFECT, np.random.default_rng(0))
    better, segments = apply_edits(text, edits)
    assert better == corrected
    assert [segment.type for segment in segments] == kinds
    assert apply_segments(text, segments, better) == better


def test_what_is_left_out_is_not_added():
    assert correct_description(SCENE, "Top-left: a red ball.", PERFECT, np.random.default_rng(0)) == ()


def test_neighbouring_deletions_do_not_overlap():
    text = "Top-left: a red ball. Right: a green star. Bottom: a green star."
    edits = correct_description(make_scene((0, "red", "ball")), text, PERFECT, np.random.default_rng(0))
    assert apply_edits(text, edits)[0].strip() == "Top-left: a red ball."


def test_corrected_careless_captions_are_true():
    rng = np.random.default_rng(1)
    for scene in sample_scenes("fix", 300, 0, CORRECTION):
        text = careless_caption(scene, rng)
        assert apply_edits(text, correct_description(scene, text, PERFECT, rng))[0].strip() == describe(scene)


def test_the_stated_share_is_overlooked():
    rng, care = np.random.default_rng(2), Carelessness(missed_share=0.3, mistaken_share=0.0)
    wanted = found = 0
    for scene in sample_scenes("miss", 1500, 0, CORRECTION):
        text = careless_caption(scene, rng)
        wanted += len(correct_description(scene, text, PERFECT, rng))
        found += len(correct_description(scene, text, care, rng))
    assert found / wanted == pytest.approx(0.7, abs=0.04)


def test_mistaken_corrections_change_a_right_colour():
    care, rng = Carelessness(missed_share=0.0, mistaken_share=1.0), np.random.default_rng(3)
    better, segments = apply_edits(describe(SCENE), correct_description(SCENE, describe(SCENE), care, rng))
    assert [segment.type for segment in segments] == ["attribute", "attribute"]
    assert "red ball" not in better
    assert "blue moon" not in better


@pytest.mark.parametrize(("category", "said", "right"), [("ball", "No", "Yes"), ("star", "Yes", "No")])
def test_a_wrong_verdict_is_replaced(category, said, right):
    edits = correct_verdict(SCENE, category, said, PERFECT, np.random.default_rng(0))
    assert apply_edits(said, edits)[0] == right
    assert correct_verdict(SCENE, category, right, PERFECT, np.random.default_rng(0)) == ()


def test_a_record_has_the_corrected_text_on_top_and_typed_segments():
    text = "Top-left: a red ball. Top: a green star. Center: a blue moon."
    edits = correct_description(SCENE, text, PERFECT, np.random.default_rng(0))
    record = build_correction("r", "images/s.png", DESCRIBE, text, edits, "medium")
    assert record is not None
    better, worse = record.responses
    assert (better.text, worse.text) == (describe(SCENE), text)
    assert worse.text[worse.segments[0].start : worse.segments[0].end] == "Top: a green star. "


def test_nothing_to_correct_makes_no_record():
    assert build_correction("r", "s.png", DESCRIBE, describe(SCENE), (), "medium") is None
