"""Two runs that differ in more than their models: what else differs is said, or the comparison refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image

from endpoint_server import EndpointServer, Fault
from errata.benchmarks import BENCHMARKS
from errata.cli import main
from errata.errors import DataError
from errata.generation import GenerationSettings
from errata.judges import JudgePrompt
from errata.pipelines.answering.answer import BestOf
from errata.pipelines.compare import compare_runs
from errata.pipelines.compare.comparability import find_benchmark
from errata.pipelines.evaluate.judging import JudgeSettings
from errata.pipelines.evaluate.run import evaluate
from errata.pipelines.evaluate.settings import EvaluationSettings
from errata.records import Answer, write_questions
from errata.reports import render_report
from judged_benchmark import Toy


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Evaluations of a benchmark with a judge: `measure(name, ...)` gives a result folder."""
    monkeypatch.setitem(BENCHMARKS, "toy", Toy)
    for name in "abcde":
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")

    def record(name, marks):
        rows = [{"prompt": "toy-mark", "id": one, "reply": f"Mark: {marks}"} for one in "abcde"]
        (tmp_path / f"{name}.judge").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return JudgeSettings(f"scripted:{tmp_path / name}.judge", cache=tmp_path / "v.sqlite")

    def measure(name, judge=None, said="A", model="", **changed):
        judge = judge or record("one", 4)
        settings = EvaluationSettings("tiny", image_root=tmp_path, benchmarks=("toy",), judge=judge)
        ask = lambda questions, path: [Answer(q.id, said, model or "tiny", earlier=("B",)) for q in questions]  # noqa: E731
        evaluate(replace(settings, **changed), tmp_path / name, ask=ask)
        return tmp_path / name

    return SimpleNamespace(measure=measure, record=record, root=tmp_path)


def compare(runs, first, second, **options):
    return compare_runs(first, second, runs.root / "difference.json", **options)


def list_what(content):
    return [one["what"] for one in content["conditions"]]


def test_runs_that_differ_in_their_models_alone_differ_in_nothing_else(runs):
    content = compare(runs, runs.measure("a"), runs.measure("b", said="B", model="other"))
    assert (content["conditions"], content["models"]) == ([], {"before": [], "after": []})


def test_another_judge_is_said_everywhere(runs, capsys):
    first, second = runs.measure("a"), runs.measure("b", runs.record("two", 3))
    out = runs.root / "page" / "results.json"
    assert main(["compare", str(first), str(second), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "not only the models differ, but 1 thing that a change may stem from" in printed
    assert "toy: different judge: scripted:" in printed
    content = json.loads(out.read_text())
    assert list_what(content) == ["judge"]
    assert content["conditions"][0]["after"].endswith("two.judge")
    assert "different judge" in render_report(runs.root / "page").read_text()


def test_other_prompts_of_the_judge_are_refused(runs, monkeypatch, capsys):
    first = runs.measure("a")
    monkeypatch.setattr("judged_benchmark.MARK", JudgePrompt("toy-mark", 2, "Mark it.\n{answer}", max_tokens=8))
    second = runs.measure("b")
    with pytest.raises(DataError, match=r"different judge's prompts.*--anyway"):
        compare(runs, first, second)
    assert main(["compare", str(first), str(second), "--out", str(runs.root / "c.json")]) == 2
    assert main(["compare", str(first), str(second), "--out", str(runs.root / "c.json"), "--anyway"]) == 0
    assert "different judge's prompts" in capsys.readouterr().out


JUDGES = {"temperature": 0.5, "samples": 2, "attempts": 1, "max_tokens": 99}


@pytest.mark.parametrize("name", JUDGES)
def test_settings_of_the_judge_are_compared(runs, name):
    judge = runs.record("one", 4)
    changed = replace(judge, **{name: JUDGES[name]})
    if name == "samples":
        rows = [{"prompt": "toy-mark", "id": one, "reply": ["Mark: 4"] * 2} for one in "abcde"]
        (runs.root / "one.judge").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = compare(runs, runs.measure("a", judge), runs.measure("b", changed))
    assert list_what(content) == [f"judge's {name}"]
    assert content["conditions"][0]["after"] == JUDGES[name]


GENERATION = {"temperature": 0.7, "max_tokens": 64, "num_beams": 2, "seed": 5, "repetition_penalty": 1.1}


@pytest.mark.parametrize("name", GENERATION)
def test_decoding_is_compared(runs, name):
    changed = replace(GenerationSettings(), **{name: GENERATION[name]})
    content = compare(runs, runs.measure("a"), runs.measure("b", generation=changed))
    assert list_what(content) == [f"generation setting {name}"]
    assert not list_what(compare(runs, runs.measure("c", generation=GenerationSettings(batch_size=3)), runs.root / "a"))


def test_the_choice_among_samples_is_compared(runs):
    warm = GenerationSettings(temperature=0.7)
    first = runs.measure("a", generation=warm)
    second = runs.measure("b", generation=warm, best_of=BestOf(4))
    assert list_what(compare(runs, first, second)) == ["choice among samples (best-of)"]


def test_questions_are_compared_one_by_one(runs):
    first, second = runs.measure("a"), runs.measure("b")
    path = second / "questions" / "toy.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1]["prompt"], rows[2]["meta"], rows[3]["images"] = "What is there?", {"label": "yes"}, ["z.png"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = compare(runs, first, second)
    assert list_what(content) == [
        f"{what} of 1 of 5 shared questions" for what in ("question wordings", "ground truths", "pictures")
    ]
    write_questions(path, [])
    assert list_what(compare(runs, first, second)) == []  # the digests in results.json are equal
    results = json.loads((second / "results.json").read_text())
    results["made_with"]["questions"]["toy"]["sha256"] = "other"
    (second / "results.json").write_text(json.dumps(results))
    assert list_what(compare(runs, first, second)) == ["questions"]


def test_other_pictures_under_the_same_names_are_seen(runs):
    before = runs.measure("a")
    Image.new("RGB", (4, 4), "red").save(runs.root / "c.png")
    after = runs.measure("b")
    assert list_what(compare(runs, before, after)) == ["contents of the pictures (digests)"]


def test_another_truth_of_every_question_is_refused(runs):
    first, second = runs.measure("a"), runs.measure("b")
    path = second / "questions" / "toy.jsonl"
    rows = [json.loads(line) | {"meta": {"label": "yes"}} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="ground truths of 5 of 5"):
        compare(runs, first, second)


def test_the_vocabulary_is_compared_by_what_is_in_it(runs):
    for name, words in (("one", "dog, puppy\ncat\n"), ("two", "dog\ncat, kitten\n")):
        (runs.root / name).mkdir()
        (runs.root / name / "words.txt").write_text(words)
    first = runs.measure("a", vocabulary=runs.root / "one" / "words.txt")
    second = runs.measure("b", vocabulary=runs.root / "two" / "words.txt")
    with pytest.raises(DataError, match="file of the vocabulary"):
        compare(runs, first, second)
    assert list_what(compare(runs, first, second, anyway=True)) == ["file of the vocabulary"]


def test_a_run_of_several_models_lists_them(runs, capsys):
    first, second = runs.measure("a"), runs.measure("b")
    results = json.loads((second / "results.json").read_text())
    results["coverage"]["toy"]["models"] = {"old": 3, "new": 2}
    results["made_with"]["judge"]["toy"]["reply_models"] = ["judge-1", "judge-2"]
    (second / "results.json").write_text(json.dumps(results))
    assert main(["compare", str(first), str(second), "--out", str(runs.root / "c.json")]) == 0
    printed = capsys.readouterr().out
    assert "after, toy: answers of several models: old 3, new 2" in printed
    assert "after, toy: the judge's replies are of several models: judge-1, judge-2" in printed
    assert "different models that replied as the judge: none | judge-1, judge-2" in printed


def test_an_alias_that_moved_is_seen_in_answers_and_verdicts(runs, capsys):
    """The same names, behind which other models stand by now."""
    folders = []
    for name, model in (("a", "dated-2024"), ("b", "dated-2025")):
        moved = Fault("reply", reply={"model": model})
        with EndpointServer(lambda seen: "Mark: 4", fault=lambda *_, moved=moved: moved) as server:
            url = f"openai:alias@{server.url}"
            out = runs.root / name
            command = ["eval", url, "--benchmarks", "toy", "--image-root", str(runs.root), "--out", str(out)]
            assert main([*command, "--judge", url, "--judge-cache", str(runs.root / f"{name}.sqlite")]) == 0
        folders.append(str(out))
        printed = capsys.readouterr().out
        assert f"model: alias was asked for, {model} replied (5 answers)" in printed
        assert f"judge of toy: model: alias was asked for, {model} replied (5 replies)" in printed
    assert main(["compare", *folders, "--out", str(runs.root / "c.json")]) == 0
    printed = capsys.readouterr().out
    assert "toy: different models that replied as the judge: dated-2024 | dated-2025" in printed
    assert "toy: different models that answered as openai:alias: dated-2024 | dated-2025" in printed


def test_runs_of_an_earlier_version_are_compared_as_before(runs):
    first, second = runs.measure("a"), runs.measure("b", runs.record("two", 3))
    for path in (first, second):
        results = json.loads((path / "results.json").read_text())
        for name in ("made_with", "settings", "coverage"):
            results.pop(name)
        (path / "results.json").write_text(json.dumps(results))
    assert list_what(compare(runs, first, second)) == []


@pytest.mark.parametrize(
    ("key", "name"),
    [("pope_random", "pope"), ("llava_bench_coco", "llava_bench_coco"), ("amber-attribute", "amber"), ("own", "own")],
)
def test_a_result_belongs_to_its_benchmark(key, name):
    assert find_benchmark(key) == name


def test_a_vocabulary_of_the_same_words_under_another_name_is_the_same(runs):
    for name in ("one", "two"):
        (runs.root / f"{name}.txt").write_text("dog, puppy\ncat\n")
    first, second = (runs.measure(name, vocabulary=runs.root / f"{name}.txt") for name in ("one", "two"))
    for folder, name in ((first, "one.txt"), (second, "two.txt")):  # as CHAIR's results have it
        edit(
            folder,
            lambda results, name=name: results["stages"][0]["benchmarks"]["toy"]["settings"].update(vocabulary=name),
        )
    assert list_what(compare(runs, first, second)) == []
    (runs.root / "two.txt").write_text("dog\ncat\n")
    third = runs.measure("c", vocabulary=runs.root / "two.txt")
    content = compare(runs, first, third, anyway=True)
    assert list_what(content) == ["file of the vocabulary"], "said once"
    assert re.fullmatch(
        r"different file of the vocabulary: one\.txt \(\w{12}\) \| two\.txt \(\w{12}\)",
        content["conditions"][0]["text"],
    )


def test_of_a_ground_truth_only_what_differs_is_shown(runs):
    first, second = runs.measure("a"), runs.measure("b")
    for folder, objects in ((first, ["dog"]), (second, ["dog", "cup"])):
        path = folder / "questions" / "toy.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        rows[0]["meta"] = {"objects": objects, "captions": ["A long sentence about a dog."]}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (condition,) = compare(runs, first, second)["conditions"]
    assert condition["text"].endswith("questions: a objects dog | a objects dog, cup")


def test_other_modes_are_refused_first_and_anyway(runs):
    first, second = runs.measure("a"), runs.measure("b", mode="official", vocabulary=runs.root / "a.png")
    for anyway in (False, True):
        with pytest.raises(
            DataError, match=r"toy in strict and in official mode; expected the same mode.*errata score"
        ):
            compare(runs, first, second, anyway=anyway)


def test_the_table_is_printed_without_a_file(runs, capsys):
    first, second = runs.measure("a"), runs.measure("b", runs.record("two", 3))
    before = sorted(runs.root.rglob("*"))
    assert main(["compare", str(first), str(second)]) == 0
    printed = capsys.readouterr().out
    assert "Change" in printed
    assert "toy: different judge" in printed
    assert "comparison:" not in printed
    assert sorted(runs.root.rglob("*")) == before, "nothing is written"


def test_the_page_says_first_that_more_differs_and_shows_counts_in_words(runs):
    first, second = runs.measure("a"), runs.measure("b", runs.record("two", 3))
    compare_runs(first, second, runs.root / "page" / "results.json")
    page = render_report(runs.root / "page").read_text()
    head, _, body = page.partition("</header>")
    assert "Not only the models differ: see what else does under the numbers." in head
    assert '<th scope="row">toy, before</th><td>5 of 5 answered, 0 missing</td>' in body
    assert "before.toy" not in body


def edit(folder, change):
    results = json.loads((folder / "results.json").read_text())
    change(results)
    (folder / "results.json").write_text(json.dumps(results))


@pytest.mark.parametrize(("name", "count"), [("stand_ins", 5), ("reasoned", 2), ("cut", 1), ("truncated", 1)])
def test_counts_that_make_runs_unlike_are_compared(runs, name, count):
    first, second = runs.measure("a"), runs.measure("b")
    edit(second, lambda results: results["coverage"]["toy"].update({name: count}))
    (condition,) = compare(runs, first, second)["conditions"]
    assert condition["what"].startswith("number of ")
    assert (condition["before"], condition["after"]) == (0, count)
