"""Vocabularies and the mentions of their objects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from errata.errors import DataError
from errata.text import build_vocabulary, find_mentions, load_coco_vocabulary, load_vocabulary, parse_vocabulary

COCO = load_coco_vocabulary()


def _objects(text):
    return [mention.object for mention in find_mentions(text, COCO)]


def test_our_coco_list_has_the_eighty_categories(official_categories):
    assert set(COCO.objects) == official_categories
    assert len(COCO.objects) == 80
    for name in COCO.synonyms:
        assert COCO.find_object(name) == COCO.synonyms[name]


@pytest.fixture(scope="module")
def official_categories():
    path = Path(__file__).parents[1] / "vectors" / "chair_synonyms.txt"
    return set(load_vocabulary(path).objects)


@pytest.mark.parametrize("name", sorted(COCO.synonyms))
def test_every_name_is_found_in_a_sentence(name):
    assert COCO.synonyms[name] in _objects(f"There is a {name}."), name


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("A bus is parked next to two buses", ["bus", "bus"]),
        ("a passenger jet and a bow tie", ["airplane", "tie"]),
        ("two ties and the stove-top", ["tie", "oven"]),
        ("hot dogs, dogs, and a Hot-Dog", ["hot dog", "dog", "hot dog"]),
        ("it was hot, dogs panted", ["dog"]),
        ("dog/cat", ["dog", "cat"]),
        ("the train station beside home plate", []),
        ("an orange cat ate an orange", ["cat", "orange"]),
        ("an orange and white bus, many of them orange", ["bus"]),
        ("oranges on a table", ["orange", "dining table"]),
        ("a baby elephant near a baby", ["elephant", "person"]),
        ("The car bears a badge", ["car"]),
        ("the toilet paper beside the toilet seat, and a seat", ["toilet"]),
        ("He plays baseball with a baseball.", ["sports ball"]),
        ("a wooden couch-like sofa", ["couch", "couch"]),
        ("a hair dryer in the catcher's mitt", ["hair drier", "baseball glove"]),
    ],
)
def test_mentions(text, objects):
    assert _objects(text) == objects


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("There are no dogs, cats or birds.", [True, True, True]),
        ("There is no dog on the bench.", [True, False]),
        ("A man without a red hat and tie", [False, False]),
        ("A woman without an umbrella", [False, True]),
        ("I don't see any cars. A bus waits.", [True, False]),
        ("There are no people visible, a dog sleeps.", [True, False]),
        ("not a dog but a cat", [True, False]),
        ("It doesn’t show a dog", [True]),
    ],
)
def test_negated_mentions_are_marked(text, negated):
    assert [mention.negated for mention in find_mentions(text, COCO)] == negated


def test_plain_categories_and_synonyms():
    plain = build_vocabulary(["ball", "traffic light"])
    assert [m.object for m in find_mentions("Two balls and traffic lights", plain)] == ["ball", "traffic light"]
    named = build_vocabulary({"ball": ["orb"]})
    assert [m.object for m in find_mentions("Orbs", named)] == ["ball"]
    assert named.objects == ("ball",)


def test_verbatim_reading_keeps_the_dead_entries():
    text = "motorcycle, scooter,  motor bike\ncake,  cheesecake"
    assert " motor bike" in parse_vocabulary(text, "x", verbatim=True).synonyms
    assert "motor bike" in parse_vocabulary(text, "x").synonyms


def test_bad_vocabularies_are_named(tmp_path):
    with pytest.raises(DataError, match="for one object only"):
        parse_vocabulary("cat, kitty\ndog, kitty", "v.txt")
    with pytest.raises(DataError, match=r"v\.txt:2"):
        parse_vocabulary("cat\ndog,,pup", "v.txt")
    with pytest.raises(DataError, match="at least one object"):
        parse_vocabulary("# nothing\n", "v.txt")
    with pytest.raises(DataError, match="check the path"):
        load_vocabulary(tmp_path / "none.txt")


def test_true_answers_about_photos_name_few_absent_objects(shared_data):
    absent = named = 0
    for line in (shared_data / "photos" / "annotated.jsonl").read_text().splitlines():
        row = json.loads(line)
        for mention in find_mentions(next(r["text"] for r in row["responses"] if r["level"] == 0), COCO):
            named += not mention.negated
            absent += not mention.negated and mention.object not in row["objects"]
    assert named > 80
    assert absent / named < 0.08
