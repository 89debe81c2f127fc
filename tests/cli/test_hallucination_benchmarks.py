"""Object HalBench, AMBER, MHumanEval and over-generalisation with a tiny model, from the command line to the report.

Images are synthetic scenes; AMBER's official questions are asked about stand-ins for its pictures.
"""

from __future__ import annotations

import json

import pytest
from PIL import Image

from errata.benchmarks import Setup
from errata.benchmarks.amber.benchmark import Amber
from errata.cli import main
from errata.pipelines.compare.compare_runs import compare_runs
from errata.reports import render_report
from errata.storage import read_json_lines
from tiny_models import save_tiny_model

BUILT = "object_halbench,mhumaneval,overgeneralisation"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("stand-ins")
    save_tiny_model(root / "model")
    assert main(["world", "scenes", "--count", "6", "--out", str(root / "world")]) == 0
    images = [row["image"] for _, row in read_json_lines(root / "world" / "annotations.jsonl")]
    replies = ['["ball", "tree"]', '["moon"]', "no list", "[]", '["star", "house"]', '["cone"]']
    rows = [
        {"prompt": "object-halbench-extract", "id": image, "reply": reply}
        for image, reply in zip(images, replies, strict=True)
    ]
    (root / "judge.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def evaluate_built(folder, out, *options):
    world = folder / "world"
    command = ["eval", str(folder / "model"), "--benchmarks", BUILT, "--out", str(out), "--max-tokens", "8"]
    command += ["--annotations", str(world / "annotations.jsonl"), "--vocabulary", str(world / "vocabulary.txt")]
    command += ["--judge", f"scripted:{folder / 'judge.jsonl'}", "--judge-cache", str(out.parent / "verdicts.sqlite")]
    return main([*command, *options])


@pytest.mark.parametrize("mode", ["strict", "official"])
def test_benchmarks_of_annotated_images(folder, tmp_path, capsys, mode):
    assert evaluate_built(folder, tmp_path / "run", "--mode", mode, "--dry-run") == 0
    planned = capsys.readouterr().out
    assert "6 to make" in planned, "the cost of judging, before anything is asked"
    assert planned.count("no judge is needed") == 2
    code = evaluate_built(folder, tmp_path / "run", "--mode", mode, "object_halbench.nouns=offline")
    printed = capsys.readouterr().out
    unreadable = int(mode == "strict")  # what this model says is mostly too short for the release to judge
    assert code == (3 if unreadable else 0), printed
    assert ("1 verdict unreadable" in printed) == bool(unreadable)
    first = (tmp_path / "run" / "results.json").read_bytes()
    assert evaluate_built(folder, tmp_path / "run", "--mode", mode, "object_halbench.nouns=offline") == code
    assert (tmp_path / "run" / "results.json").read_bytes() == first, "a second call asks nothing again"
    benchmarks = json.loads(first)["stages"][0]["benchmarks"]
    name = "object_halbench" if mode == "strict" else "object_halbench_offline"
    assert benchmarks[name]["metrics"]["unreadable"]["numerator"] == unreadable
    assert benchmarks["mhumaneval"]["metrics"]["marked"]["value"] == 0
    assert benchmarks["overgeneralisation"]["settings"]["scenes_found"]
    assert_usable(tmp_path)


def assert_usable(folder):
    """The folder is one that `errata compare` and the report take."""
    content = compare_runs(folder / "run", folder / "run", folder / "comparison.json")
    changes = [one["value"] for metrics in content["differences"]["after"].values() for one in metrics.values()]
    assert set(changes) <= {0.0, None}
    page = render_report(folder / "run").read_text(encoding="utf-8")
    for benchmark in json.loads((folder / "run" / "results.json").read_text())["stages"][0]["benchmarks"].values():
        assert all(f"{metric['n']:,}" in page for metric in benchmark["metrics"].values())


def test_amber_on_its_official_rows(folder, shared_data, tmp_path, capsys):
    images = {question.images[0] for question in Amber(images=2).load(Setup(data=shared_data / "amber"))}
    for name in images:
        Image.new("RGB", (32, 32), "gray").save(tmp_path / name)
    command = ["eval", str(folder / "model"), "--benchmarks", "amber", "--data", str(shared_data), "--max-tokens", "4"]
    command += ["--image-root", str(tmp_path), "--out", str(tmp_path / "run"), "amber.images=2"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "amber-generative (strict)" in printed
    assert_usable(tmp_path)
    for path in tmp_path.glob("AMBER_*.jpg"):
        path.unlink()
    assert main([*command, "--fresh"]) == 2
    assert "no such file" in capsys.readouterr().err
