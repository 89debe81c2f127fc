"""AMBER: recorded numbers in official mode, what strict mode mends, the official files, bad input."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from errata.benchmarks import Reply, Setup, build_item, compare
from errata.benchmarks.amber.benchmark import GROUPS, Amber
from errata.benchmarks.amber.score import (
    WordLists,
    _load_tools,
    choose_path,
    compute_released,
    count_nouns,
    count_verdict,
)
from errata.errors import ConfigError, DataError
from errata.pipelines.evaluate.measuring import measure_answers
from errata.records import Answer

PRINTED = {"CHAIR": "chair", "Cover": "cover", "Hal": "hal", "Cog": "cog",
           "Accuracy": "accuracy", "Precision": "precision", "Recall": "recall", "F1": "f1"}  # fmt: skip
TITLES = {"Exsitence": "existence", "Descriminative Task": "discriminative", "Generative Task": "generative"}


def read_printed(lines):
    """What the release printed: result -> metric -> number."""
    found = {}
    for line in lines:
        name, _, value = line.partition(":")
        if value.strip():
            found[group][PRINTED[name]] = float(value)
        else:
            group = TITLES.get(name, name.lower())
            found[group] = {}
    return found


@pytest.fixture(scope="module")
def recorded(vectors):
    data = vectors("misc_amber_refomb_hallusion")["amber"]
    pairs = {frozenset(names.split("|")): value for names, value in data["similarity_table"].items()}
    lists = WordLists(data["association"], frozenset(data["safe_words"]))
    return data, lists, lambda one, other: pairs.get(frozenset((one, other)), float(one == other)) > 0.8


def test_recorded_nouns(recorded):
    data, lists, similar = recorded
    for case in data["generative"]:
        items = [
            count_nouns(row["nouns"], row["truth"], row["hallu"], lists, similar, "official") for row in case["items"]
        ]
        assert compute_released(items) == read_printed(case["official"]["stdout"])["generative"], case["name"]


def test_recorded_verdicts(recorded):
    for case in recorded[0]["discriminative"]:
        items = [
            {"type": row["type"], **count_verdict(row["response"], row["truth"], "official")} for row in case["rows"]
        ]
        for name, expected in read_printed(case["official"]["stdout"]).items():
            part = [item for item in items if name in ("discriminative", *GROUPS[item["type"]])]
            assert compute_released(part, name) == expected, (case["name"], name)


def test_released_counters_of_attribute_are_three():
    """Each begins at 0.001: three answers, of which two say "No" rightly, and one of another part of the release."""
    rows = [("state", "no", "No"), ("number", "no", "No"), ("action", "no", "Yes")]
    items = [
        {"type": f"discriminative-attribute-{kind}", **count_verdict(said, truth, "official")}
        for kind, truth, said in rows
    ]
    assert compute_released(items, "attribute") == {"accuracy": 66.6, "precision": 99.9, "recall": 66.6, "f1": 79.9}
    assert compute_released(items, "discriminative")["precision"] == 100.0  # one counter: 2 / 2.001
    assert compute_released([], "attribute") == {}


def test_released_code_stops_at_the_first_word_that_a_noun_may_stand_for():
    """Associates of all words come before the words; strict mode lets a noun cover every word that it may stand for."""
    lists = WordLists({"man": ["person"], "woman": ["person"], "person": []}, frozenset())
    words = (["person"], ["person", "woman", "man"], [], lists, lambda one, other: one == other)
    assert count_nouns(*words, "official")["missing"] == ["man", "person"]
    assert count_nouns(*words, "official")["counts"]["cover"] == [1, 3]
    assert count_nouns(*words, "strict")["counts"]["cover"] == [3, 3]


def test_strict_mode_does_not_count_a_noun_as_imagined_and_true(recorded):
    _, lists, similar = recorded
    words = (["kitten"], ["dog", "dog"], ["cat", "cat"], lists, similar)
    official, strict = (count_nouns(*words, mode)["counts"] for mode in ("official", "strict"))
    assert (official["cog"], official["cover"], official["chair"]) == ([1, 2], [1, 2], [0, 1])
    assert (strict["cog"], strict["cover"], strict["chair"]) == ([0, 1], [1, 1], [0, 1])


def test_strict_mode_finds_a_true_word_that_is_a_safe_one():
    lists = WordLists({"camera": []}, frozenset(["camera"]))
    covers = [
        count_nouns(["camera"], ["camera"], [], lists, lambda *_: False, mode)["counts"]["cover"]
        for mode in ("official", "strict")
    ]
    assert covers == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("text", "official", "strict"),
    [("No", "no", "no"), ("No.", "unknown", "no"), ("no", "unknown", "no"), ("Yes, it is", "unknown", "yes"),
     ("It isn't.", "unknown", "no"), ("", "unknown", "unknown"), ("Hard to say", "unknown", "unknown"),
     ("不", "unknown", "unknown")],
)  # fmt: skip
def test_yes_and_no(text, official, strict):
    assert [count_verdict(text, "no", mode)["said"] for mode in ("official", "strict")] == [official, strict]
    assert count_verdict(text, "no", "strict")["counts"]["unknown_share"] == [int(strict == "unknown"), 1]


def test_noun_paths(recorded, monkeypatch):
    _, lists, _ = recorded
    text = "Dog and puppies run, no cats; a dog naps. You can see it."
    official, strict = choose_path("auto", "official", lists), choose_path("auto", "strict", lists)
    assert (official.name, official.find(text)) == ("offline", ["puppy", "cat", "dog"])
    assert (strict.name, strict.find(text)) == ("own", ["dog", "puppy", "dog"])
    can = WordLists({"can": [], "person": []}, frozenset())
    assert choose_path("offline", "official", can).find("A person can see a can.") == ["person", "can"]
    with pytest.raises(ConfigError, match="not all of them"):
        choose_path("nltk", "official", lists)
    stub_tools(monkeypatch)
    released = choose_path("auto", "official", lists)
    assert (released.name, released.find(text)) == ("nltk, spacy en_core_web_lg", ["dog"])
    assert (released.similar("a", "ab"), released.similar("a", "b")) == (True, False)
    _load_tools.cache_clear()


def stub_tools(monkeypatch):
    """Stand-ins for NLTK, which tags "dog" alone as a noun, and for vectors: words with one letter are near."""
    words = SimpleNamespace(
        word_tokenize=str.split, pos_tag=lambda tokens: [(t, "NN" if t == "dog" else "VB") for t in tokens]
    )
    lemmatizer = SimpleNamespace(lemmatize=lambda word: word)
    near = lambda word: SimpleNamespace(word=word, similarity=lambda o: 0.9 if set(word) & set(o.word) else 0.8)  # noqa: E731
    monkeypatch.setattr(metadata, "version", lambda name: "3.7.1")
    monkeypatch.setitem(sys.modules, "nltk", words)
    monkeypatch.setitem(sys.modules, "nltk.stem", SimpleNamespace(WordNetLemmatizer=lambda: lemmatizer))
    monkeypatch.setitem(sys.modules, "spacy", SimpleNamespace(load=lambda name: near))
    _load_tools.cache_clear()


def answer_as(question, good):
    meta = question.meta
    if meta["part"] == "generative":
        words = meta["truth"] if good else meta["hallu"]
        return Answer(question.id, "There is " + ", ".join(f"a {word}" for word in words) + ".")
    return Answer(question.id, meta["truth"].capitalize() if good else "Yes")


@pytest.mark.parametrize("mode", ["official", "strict"])
def test_official_files(shared_data, mode):
    setup = Setup(mode, data=shared_data / "amber", model="m")
    benchmark = Amber(images=40, nouns="offline")
    questions = benchmark.load(setup)
    assert len({question.images[0] for question in questions}) == 40
    good, bad = ([answer_as(q, well) for q in questions] for well in (True, False))
    results = {r.benchmark: r for r in measure_answers(benchmark, questions, good, setup).results}
    suffix = "-offline" if mode == "official" else ""
    names = {f"amber-generative{suffix}", f"amber{suffix}", *(f"amber-{n}" for names in GROUPS.values() for n in names)}
    assert set(results) == names | {"amber-discriminative"}
    chair, cover = (results[f"amber-generative{suffix}"].metrics[name].value for name in ("chair", "cover"))
    f1 = results["amber-discriminative"].metrics["f1"].value
    assert (chair < 0.02, cover > 0.9, f1) == (True, True, 1.0)
    assert results[f"amber{suffix}"].metrics["amber"].value == pytest.approx((1 - chair + f1) / 2)
    assert results["amber-discriminative"].settings.get("released", {}).get("f1", 100.0) == pytest.approx(100, abs=0.1)
    worse = {r.benchmark: r for r in measure_answers(benchmark, questions, bad, setup).results}
    assert worse[f"amber-generative{suffix}"].metrics["hal"].value > 0.9
    assert worse["amber-existence"].metrics["precision"].value is None, "nobody said no"
    assert compare(results[f"amber{suffix}"], worse[f"amber{suffix}"])["amber"].value < -0.5


def test_every_official_row_is_read(shared_data):
    questions = Amber().load(Setup("strict", data=shared_data))
    assert len(questions) == 15220
    assert len({question.id for question in questions}) == 15220
    parts = [len(Amber(part=part).load(Setup(data=shared_data))) for part in ("generative", "discriminative")]
    assert parts == [1004, 14216]


def write_changed(shared_data, folder, **changed):
    """The official files with some replaced."""
    for path in [*shared_data.glob("amber/*.*"), *shared_data.glob("amber/query/*")]:
        (folder / path.name).write_bytes(path.read_bytes())
    for name, change in changed.items():
        path = folder / f"{name}.json"
        rows = json.loads(path.read_text())
        change(rows)
        path.write_text(json.dumps(rows))
    return folder


def test_another_version_of_a_file_is_named(shared_data, tmp_path):
    for name in ("annotations", "query_generative"):
        folder = write_changed(shared_data, tmp_path, **{name: lambda rows: rows.pop()})
        with pytest.raises(DataError, match=f"{name}.*rows"):
            Amber().load(Setup(data=folder))
    folder = write_changed(shared_data, tmp_path, annotations=lambda rows: rows[-1].update(id=1))
    with pytest.raises(DataError, match="id 1 again"):
        Amber().load(Setup(data=folder))
    with pytest.raises(DataError, match="bench fetch amber"):
        Amber().load(Setup(data=None))
    with pytest.raises(ConfigError, match="2000 of 1004"):
        Amber(images=2000).load(Setup(data=shared_data))


def test_a_type_or_label_that_is_none(shared_data, tmp_path):
    folder = write_changed(shared_data, tmp_path, annotations=lambda rows: rows[-1].update(type="colour"))
    with pytest.raises(DataError, match="'colour'"):
        Amber(part="discriminative").load(Setup("strict", data=folder))
    setup, benchmark = Setup("official", data=folder), Amber(part="discriminative")
    question = benchmark.load(setup)[-1]
    item = build_item(benchmark, question, Reply(Answer(question.id, "No")), setup)
    assert [result.benchmark for result in benchmark.score([item], setup)] == ["amber-discriminative", "amber-relation"]


def test_order_does_not_matter_but_ids_do(shared_data, tmp_path):
    folder = write_changed(shared_data, tmp_path, annotations=lambda rows: rows.reverse())
    setup = Setup("strict", data=folder)
    assert [q.meta["truth"] for q in Amber().load(setup)] == [
        q.meta["truth"] for q in Amber().load(Setup("strict", data=shared_data / "amber"))
    ]
