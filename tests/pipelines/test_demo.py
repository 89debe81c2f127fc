"""The demo: every stage leaves its files, the numbers come from the items, and a stopped run continues."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open

from errata.benchmarks import compare
from errata.errors import ConfigError
from errata.pipelines.demo import DemoSettings, run_demo
from errata.pipelines.demo.settings import open_folder
from errata.records import read_records, result_from_row
from errata.world import base_folder


@pytest.fixture(scope="module")
def sizes():
    patch = pytest.MonkeyPatch()
    patch.setattr(DemoSettings, "measured_scenes", 40)
    patch.setattr(DemoSettings, "corrected_scenes", 80)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def finished(sizes, tmp_path_factory):
    """A small finished run with the comparison, and the stages it reported."""
    stages: list[str] = []
    settings = DemoSettings(out=tmp_path_factory.mktemp("demo") / "run", seed=7, quick=True, compare=True)
    result = run_demo(settings, lambda stage, *_: stages.append(stage))
    assert result is not None
    return settings, result, stages


def test_every_stage_is_written(finished):
    settings, result, _ = finished
    for path in result.paths().values():
        assert path.exists()
    with (
        safe_open(result.paths()["checkpoint"] / "model.safetensors", "pt") as trained,
        safe_open(base_folder("medium") / "model.safetensors", "pt") as base,
    ):
        assert set(trained.keys()) == set(base.keys())
    assert list((settings.out / "plots").glob("*.png"))
    assert {stage["name"] for stage in result.results["stages"]} == {"base", "ddpo", "dpo", "sft", "sft-own"}
    assert json.loads((settings.out / "results.json").read_text(encoding="utf-8")) == result.results


def test_progress_names_every_stage(finished):
    assert {"base: chair", "descriptions to correct", "ddpo: training", "sft-own: pope random", "report"} <= set(
        finished[2]
    )


def test_records_are_corrections_of_the_scenes(finished):
    settings, result, _ = finished
    records = read_records(settings.out / "records.jsonl")
    assert len(records) == result.results["annotation"]["pairs"] > 20
    assert all(record.responses[1].segments for record in records)
    assert all((settings.out / record.images[0]).is_file() for record in records)
    own = read_records(settings.out / "records-own.jsonl")
    assert [record.responses[0].text for record in own] == [record.responses[1].text for record in records]


def test_differences_are_those_of_the_items(finished):
    results = finished[1].results
    base, ddpo = (result_from_row(stage["benchmarks"]["chair"], "here") for stage in results["stages"][:2])
    assert results["differences"]["ddpo"]["chair"]["chair_s"]["value"] == compare(base, ddpo)["chair_s"].value


def test_examples_mark_what_is_made_up(finished):
    examples = finished[1].results["examples"]
    assert examples
    for example in examples:
        spans = [span for side in ("before", "after") for span in example[side]["spans"]]
        assert any(span["kind"] == "hallucinated" for span in spans)
        for side in ("before", "after"):
            for span in example[side]["spans"]:
                if span["kind"] == "hallucinated":
                    assert example[side]["text"][span["start"] : span["end"]] == span["object"]
                    assert not any(f" {span['object']}," in truth for truth in example["truth"])


def test_the_same_command_continues_and_gives_the_same_results(finished):
    settings, result, _ = finished
    answers = settings.out / "answers" / "ddpo-chair.jsonl"
    lines = answers.read_text(encoding="utf-8").splitlines(keepends=True)
    answers.write_text("".join(lines[: len(lines) // 2]) + '{"id": "torn', encoding="utf-8")
    (settings.out / "results.json").unlink()
    again = run_demo(settings, lambda *_: None)
    assert again is not None
    for name in ("stages", "differences", "annotation", "examples"):
        assert again.results[name] == result.results[name]


def test_other_settings_do_not_mix_with_a_run(finished):
    settings = finished[0]
    with pytest.raises(
        ConfigError, match=r"settings of another run: seed was 7 and is now 8.*use --fresh or another --out"
    ):
        run_demo(replace(settings, seed=8), lambda *_: None)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigError, match="other files"):
        run_demo(DemoSettings(out=tmp_path), lambda *_: None, fresh=True)
    assert (tmp_path / "thesis.txt").is_file()


def test_starting_over_removes_what_a_demo_wrote_and_nothing_else(tmp_path: Path):
    settings = DemoSettings(out=tmp_path)
    open_folder(settings, fresh=False)
    (tmp_path / "answers").mkdir()
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    open_folder(replace(settings, seed=1), fresh=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.json", "notes.txt"]


@pytest.mark.parametrize("wrong", [{"corrections": 0}, {"seed": -1}])
def test_impossible_numbers_are_named(tmp_path: Path, wrong: dict[str, int]):
    with pytest.raises(ConfigError, match=rf"{next(iter(wrong))}: .*; expected at least"):
        DemoSettings(out=tmp_path, **wrong)
