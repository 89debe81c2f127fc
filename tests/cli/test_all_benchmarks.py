"""`errata eval MODEL --benchmarks all` with a tiny model and a scripted judge: every benchmark from rows to report.

POPE, CHAIR, Object HalBench, MHumanEval and over-generalisation ask about synthetic scenes; the others about invented
rows or, where they are at hand, the released ones, with synthetic stand-ins for their images.
"""

from __future__ import annotations

import json
import signal

import pytest

from errata.benchmarks import BENCHMARKS, read_annotations
from errata.cli import main
from errata.storage import read_json_lines
from official_rows import copy_released, invent_files, write_judge
from struck import run_struck
from tiny_models import save_tiny_model

pytestmark = pytest.mark.slow  # thirteen benchmarks, killed twice: half a minute on two cores

OPTIONS = ("pope.images=3", "amber.images=2", "refomb.swap=true")
REPLIES = {
    "object_halbench": {"object-halbench-extract": ['["ball", "tree"]', "no list", "[]", '["moon"]']},
    "mmhal": {"mmhal-rating": ["Fine.\nRating: 4", "Rating: 1", "no rating", "Rating: 10"]},
    "mrhal": {"mrhal-ratings": ["Ratings: [5, 1]", "Ratings: [5]", "[6, 6]\nRatings: [3, 3]", "N/A"]},
    "llava_bench_coco": {"llava_bench_coco-review": ["10 8\nGood.", "8, 9", "()"]},
    "llava_bench_wild": {"llava_bench_wild-review": ["8 9", "fine"]},
    "refomb": {"refomb-comparison": ["[[B]]", "[[A]]", "neither"], "refomb-trust": ["[[C]]"]},
    "hallusionbench": {"hallusionbench-check": ["correct", "incorrect", "unclear"], "hallusionbench-same": ["same"]},
}
JUDGED = {"object_halbench": 2, "mmhal": 48, "mrhal": 2, "llava_bench_coco": 30, "llava_bench_wild": 30, "refomb": 33}
"""Answers whose verdicts cannot be read in strict mode, as the metric of that name counts them."""


@pytest.fixture(scope="module", params=["invented", "released"])
def folder(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param)
    invent_files(root / "data")
    if request.param == "released":
        copy_released(request.getfixturevalue("shared_data"), root / "data")
    save_tiny_model(root / "model")
    assert main(["world", "scenes", "--count", "6", "--out", str(root / "world")]) == 0
    world = root / "world"
    known = {"annotations": read_annotations(world / "annotations.jsonl"), "vocabulary": world / "vocabulary.txt"}
    write_judge(root / "judge.jsonl", root / "data", REPLIES, **known)
    swapped = [
        {**row, "id": f"{row['id'].removesuffix('-trust')}-swapped{'-trust' * row['id'].endswith('-trust')}"}
        for _, row in read_json_lines(root / "judge.jsonl")
        if row["prompt"].startswith("refomb-")
    ]
    with (root / "judge.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in swapped)
    assert main(["bench", "stand-ins", *tell(root)]) == 0
    return root


def tell(root):
    world, data = root / "world", root / "data"
    files = {"--annotations": world / "annotations.jsonl", "--vocabulary": world / "vocabulary.txt", "--data": data}
    told = ["--benchmarks", "all", "--image-root", str(world)]
    return [*told, *(str(part) for pair in files.items() for part in pair), *OPTIONS]


def evaluate(root, out, *more):
    command = ["eval", str(root / "model"), *tell(root), "--out", str(out), "--max-tokens", "4", "--batch-size", "64"]
    judge = ["--judge", f"scripted:{root / 'judge.jsonl'}", "--judge-cache", str(out.parent / "verdicts.sqlite")]
    return [*command, *judge, *more]


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """A run that was killed while it answered and again while it was judged, and what its third start printed."""
    out = tmp_path_factory.mktemp("all") / "run"
    killed = -signal.SIGKILL
    assert run_struck(evaluate(folder, out), "while_answering", out.parent / "log", 9) == killed
    assert run_struck(evaluate(folder, out), "while_judging", out.parent / "log", 200) == killed
    assert not (out / "results.json").exists()
    assert main(evaluate(folder, out)) == 3, "48 verdicts cannot be read"
    return out


def read(out):
    content = json.loads((out / "results.json").read_text())
    return content, content["stages"][0]["benchmarks"]


def test_every_benchmark_is_measured_after_two_kills(folder, run):
    content, results = read(run)
    assert content["coverage"].keys() == BENCHMARKS.keys()
    for name, coverage in content["coverage"].items():
        assert coverage["questions"] == coverage["answered"] > 0, name
        assert (coverage["unjudged"], coverage["unreadable"]) == (0, JUDGED.get(name, 0)), name
        assert any(one.startswith(name) for one in results), name
    assert results["mmhal"]["metrics"]["score"]["value"] == 2.5
    assert results["refomb"]["metrics"]["flip"]["value"] == 1


def test_a_run_without_a_kill_ends_with_the_same_bytes(folder, run, tmp_path):
    assert main(evaluate(folder, tmp_path / "whole")) == 3
    for path in sorted(run.rglob("*.jsonl")):
        assert path.read_bytes() == (tmp_path / "whole" / path.relative_to(run)).read_bytes(), path.name
    assert read(run)[1] == read(tmp_path / "whole")[1]


def test_stand_ins_are_named_in_the_results_and_nothing_else_is(run):
    content, results = read(run)
    made = {"pope", "chair", "object_halbench", "mhumaneval", "overgeneralisation"}
    for name, coverage in content["coverage"].items():
        about = sum(bool(row.get("images")) for _, row in read_json_lines(run / "questions" / f"{name}.jsonl"))
        assert coverage["stand_ins"] == (0 if name in made else about), name
    assert results["mmhal"]["settings"]["stand_ins"] == 96
    assert "stand_ins" not in results["chair"]["settings"]


def test_official_mode_reads_the_same_answers_and_replies(folder, run, tmp_path, capsys):
    """Nothing is asked again, and the folder is one that compare and the report take."""
    command = evaluate(folder, run, "--mode", "official", "object_halbench.nouns=offline", "amber.nouns=offline")
    kept = (run / "results.json").read_bytes(), (run / "settings.json").read_bytes()
    assert main([*command, "--judge-offline"]) in (0, 3)  # answers of three words are not judged by the release
    printed = capsys.readouterr().out
    assert "(strict)" not in printed
    unreadable = read(run)[1]["mmhal"]["metrics"]["unreadable"]["numerator"]
    assert f"mmhal: 96 of 96 answered, 0 missing, 0 without a verdict, {unreadable:g} verdicts unreadable" in printed
    assert read(run)[1]["mmhal"]["metrics"]["score"]["value"] == 1.5, "no rating is a 0, a 10 is a 1"
    (run / "results.json").write_bytes(kept[0])
    (run / "settings.json").write_bytes(kept[1])


def test_compare_and_report_take_the_folder(run, tmp_path, capsys):
    assert main(["compare", str(run), str(run), "--out", str(tmp_path / "comparison.json")]) == 0
    printed = capsys.readouterr().out
    for name in BENCHMARKS:
        assert f"after, {name}: " in printed
    assert "48 verdicts unreadable" in printed
    assert "96 about synthetic stand-ins" in printed
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text()
    assert "48 verdicts unreadable" in page
    assert page.count("96 about stand-ins for their images") == 1
    assert "4.00" in page or "2.50" in page, "a score has two decimals"
    for name, result in read(run)[1].items():
        assert all(f"{metric['n']:,}" in page for metric in result["metrics"].values()), name
