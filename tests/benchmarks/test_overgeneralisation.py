"""Over-generalisation: scenes by captions and by construction, rates by hand, what is missing."""

from __future__ import annotations

import pytest

from errata.benchmarks import Setup, compare
from errata.benchmarks.annotations import AnnotatedImage
from errata.benchmarks.overgeneralisation import OverGeneralisation
from errata.errors import ConfigError, DataError
from errata.pipelines.evaluate.measuring import measure_answers
from errata.records import Answer
from errata.world import EVALUATION, describe, sample_scenes


def photo(name, objects, *captions):
    return AnnotatedImage(name, tuple(objects), captions)


PHOTOS = [
    photo("k1", ["oven", "sink"], "A kitchen.", "The kitchen sink."),
    photo("k2", ["oven", "refrigerator"], "Kitchens of today.", "A kitchen with an oven."),
    photo("s1", ["car", "person"], "A street.", "Cars in the street."),
    photo("s2", ["car"], "A street sign.", "A street light."),
    photo("x1", ["oven"], "A kitchen.", "A room."),
    photo("one", ["sink"], "The bathroom"),
]
ANSWERS = {
    "k1": "An oven, a refrigerator and a car.", "k2": "An oven and a sink.", "s1": "A car and no oven.",
    "s2": "A car, an oven and a bus.", "x1": "An oven.", "one": "A wall.",
}  # fmt: skip


def measure(images, answers, **options):
    setup, benchmark = Setup(annotations=images, model="m"), OverGeneralisation(**options)
    questions = [benchmark.prompt(row) for row in benchmark.load(setup)]
    said = [Answer(question.id, answers[question.id]) for question in questions]
    return {result.benchmark: result for result in measure_answers(benchmark, questions, said, setup).results}


def counts(result):
    return {
        name: (metric.numerator, metric.n) for name, metric in result.metrics.items() if metric.numerator is not None
    }


def test_rates_by_hand():
    results = measure(PHOTOS, ANSWERS)
    kitchen, street, bathroom = (results[f"overgeneralisation-{name}"] for name in ("kitchen", "street", "bathroom"))
    assert kitchen.settings["frequent"] == ["oven", "sink", "refrigerator"]
    assert kitchen.settings["images_of_the_scene"] == 2, "one caption of two is not enough"
    assert counts(kitchen) == {"average": (3, 6), "scene": (2, 4)}
    assert kitchen.metrics["difference"].value == 0
    assert (street.settings["images_of_the_scene"], counts(street)) == (1, {"average": (1, 3), "scene": (0, 1)})
    assert street.metrics["difference"].value == pytest.approx(-1 / 3)
    assert bathroom.metrics["scene"].value is None, "nothing of the scene was named: no value, not 0"
    assert results["overgeneralisation"].metrics["difference_mean"].value is None
    assert results["overgeneralisation"].settings["scenes_found"] == ["kitchen", "bathroom", "street"]


def test_means_and_comparison():
    answers = {**ANSWERS, "one": "A sink."}
    results = measure(PHOTOS, answers)
    mean = results["overgeneralisation"].metrics
    differences = [results[f"overgeneralisation-{name}"].metrics["difference"].value for name in ("kitchen", "street")]
    bathroom = results["overgeneralisation-bathroom"].metrics
    assert counts(results["overgeneralisation-bathroom"]) == {"average": (1, 2), "scene": (0, 1)}
    assert mean["difference_mean"].value == pytest.approx((sum(differences) + bathroom["difference"].value) / 3)
    found = compare(results["overgeneralisation"], measure(PHOTOS, {**answers, "k1": "An oven."})["overgeneralisation"])
    by_hand = ((1 / 3 - 2 / 6) - (2 / 4 - 3 / 7) + 1 / 3) / 3  # kitchen, street; nothing changes in the bathroom
    assert found["difference_mean"].value == pytest.approx(by_hand)


def test_options():
    results = measure(PHOTOS, ANSWERS, objects=1, captions=1)
    assert results["overgeneralisation-kitchen"].settings["frequent"] == ["oven"]
    assert results["overgeneralisation-kitchen"].settings["images_of_the_scene"] == 3
    drawn = OverGeneralisation(images=3).load(Setup(annotations=PHOTOS))
    assert len(drawn) == 3
    assert drawn[0].frequent["kitchen"] == ("oven", "sink", "refrigerator"), "counted over all images"
    with pytest.raises(ConfigError, match="7 of 6"):
        OverGeneralisation(images=7).load(Setup(annotations=PHOTOS))
    with pytest.raises(ConfigError, match="objects=0"):
        OverGeneralisation(objects=0).load(Setup(annotations=PHOTOS))


def test_the_synthetic_world_by_construction(tmp_path):
    scenes = sample_scenes("test", 200, 0, EVALUATION)
    images = [AnnotatedImage(scene.id, scene.objects) for scene in scenes]
    names = dict.fromkeys(name for scene in scenes for name in scene.objects)
    (tmp_path / "vocabulary.txt").write_text("\n".join(names) + "\n")
    setup, benchmark = Setup(annotations=images, vocabulary=tmp_path / "vocabulary.txt"), OverGeneralisation()
    questions = [benchmark.prompt(row) for row in benchmark.load(setup)]
    lies = {scene.id: describe(scene) + (" Top: a yellow star." if "moon" in scene.objects else "") for scene in scenes}
    answers = [Answer(question.id, lies[question.id]) for question in questions]
    results = {r.benchmark: r for r in measure_answers(benchmark, questions, answers, setup).results}
    moon, house = results["overgeneralisation-moon"], results["overgeneralisation-house"]
    assert (moon.settings["frequent"], house.settings["frequent"]) == (["star"], ["tree"])
    assert moon.metrics["difference"].value > 0.05
    assert house.metrics["scene"].value == house.metrics["average"].value == 0


def test_images_of_no_scene_are_a_named_error():
    with pytest.raises(DataError, match="images of some scene"):
        OverGeneralisation().load(Setup(annotations=[photo("a", ["dog"], "A dog.")]))
    with pytest.raises(DataError, match="images of some scene"):
        OverGeneralisation(scenes="captions").load(Setup(annotations=[photo("a", [])]))
    with pytest.raises(DataError, match="instances_val2014"):
        OverGeneralisation().load(Setup())
