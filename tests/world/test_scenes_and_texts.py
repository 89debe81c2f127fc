"""Scenes are reproducible, pictures show them, and texts say what they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from errata.world import (
    CATEGORIES,
    COMPANIONS,
    CORRECTION,
    EVALUATION,
    POSITIONS,
    TRAINING,
    base_folder,
    careless_answers,
    careless_caption,
    describe,
    read_claims,
    render,
    sample_scenes,
    verdict_questions,
    words,
)
from errata.world.language import absent_partners


def test_a_scene_depends_on_its_name_seed_and_number_only():
    assert sample_scenes("a", 5, 3, EVALUATION) == sample_scenes("a", 50, 3, EVALUATION)[:5]
    assert sample_scenes("a", 5, 3, EVALUATION)[0].things != sample_scenes("a", 5, 4, EVALUATION)[0].things
    assert sample_scenes("a", 5, 3, EVALUATION)[0].things != sample_scenes("b", 5, 3, EVALUATION)[0].things


def test_things_stand_in_reading_order_one_a_cell():
    for scene in sample_scenes("order", 200, 0, TRAINING):
        cells = [thing.cell for thing in scene.things]
        assert cells == sorted(set(cells))
        assert 2 <= len(cells) <= 6


def test_company_is_kept_in_training_and_broken_elsewhere():
    def share(setting) -> float:
        pairs = [
            COMPANIONS[category].partner in scene.objects
            for scene in sample_scenes("company", 2000, 0, setting)
            for category in scene.objects
            if category in COMPANIONS
        ]
        return sum(pairs) / len(pairs)

    assert share(TRAINING) > share(EVALUATION) + 0.1
    assert share(TRAINING) > share(CORRECTION) + 0.1


def test_a_picture_is_the_same_each_time_and_shows_every_thing():
    scene = sample_scenes("picture", 1, 0, EVALUATION)[0]
    assert render(scene).tobytes() == render(scene).tobytes()
    clean = replace(scene, noise=0.0, smudges=())
    background = np.asarray(render(replace(clean, things=())))
    changed = (np.asarray(render(clean)) != background).any(axis=2)
    for cell in range(len(POSITIONS)):
        part = changed[cell // 3 * 16 : cell // 3 * 16 + 16, cell % 3 * 16 : cell % 3 * 16 + 16]
        assert part.any() == (cell in {thing.cell for thing in scene.things})


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_its_own_glyph(category):
    scene = next(s for s in sample_scenes("glyph", 500, 0, TRAINING) if category in s.objects)
    clean = replace(scene, noise=0.0, smudges=())
    thing = next(t for t in scene.things if t.category == category)
    others = {c: np.asarray(render(replace(clean, things=(replace(thing, category=c),)))) for c in CATEGORIES}
    assert all((others[category] != image).any() for c, image in others.items() if c != category)


def test_a_description_reads_back_as_the_scene():
    for scene in sample_scenes("read", 50, 0, EVALUATION):
        text = describe(scene)
        claims = read_claims(text)
        assert [(c.cell, c.colour, c.category) for c in claims] == [
            (t.cell, t.colour, t.category) for t in scene.things
        ]
        for claim in claims:
            assert text[slice(*claim.category_span)] == claim.category
            assert text[slice(*claim.colour_span)] == claim.colour


def test_careless_captions_name_absent_partners_as_often_as_stated():
    rng = np.random.default_rng(0)
    named: dict[float, list[bool]] = {}
    for scene in sample_scenes("careless", 6000, 0, TRAINING):
        said = {claim.category for claim in read_claims(careless_caption(scene, rng))}
        for partner, (noise, _) in absent_partners(scene).items():
            named.setdefault(noise, []).append(partner in said)
    assert len(named) == len(COMPANIONS)
    for noise, hits in named.items():
        assert np.mean(hits) == pytest.approx(noise, abs=4 * (noise * (1 - noise) / len(hits)) ** 0.5)


def test_without_carelessness_captions_and_answers_are_true():
    rng = np.random.default_rng(0)
    for scene in sample_scenes("true", 100, 0, TRAINING):
        assert careless_caption(scene, rng, 0.0) == describe(scene)
        for question, answer in careless_answers(scene, 6, rng, 0.0):
            if answer in ("Yes", "No"):
                asked = next(category for category in CATEGORIES if f" {category} " in question)
                assert (asked in scene.objects) == (answer == "Yes")


def test_the_words_of_every_text_are_in_the_vocabulary():
    rng, known = np.random.default_rng(0), set(words())
    for scene in sample_scenes("words", 300, 0, TRAINING):
        texts = [careless_caption(scene, rng), *(part for pair in careless_answers(scene, 8, rng) for part in pair)]
        for mark in ".:?":
            texts = [text.replace(mark, f" {mark} ") for text in texts]
        assert {word for text in texts for word in text.split()} <= known


def test_yes_no_questions_ask_about_one_thing_that_is_there_and_one_that_is_not():
    scenes = sample_scenes("verdicts", 50, 0, CORRECTION)
    questions = verdict_questions(scenes, 0)
    assert questions == verdict_questions(scenes, 0)
    objects = {scene.id: scene.objects for scene in scenes}
    present = [question.meta["category"] in objects[question.meta["scene"]] for question in questions]
    assert present == [True, False] * len(scenes)


def test_an_unknown_base_is_named():
    with pytest.raises(ValueError, match="'tiny'; expected one of small, medium"):
        base_folder("tiny")
