"""Studies on the synthetic world, small: what each kind measures, that they resume, and how seeds become intervals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from errata.cli.main import main
from errata.cli.world_study import STUDIES
from errata.config import load_settings
from errata.errors import DONE, USAGE, ConfigError
from errata.pipelines.study.run import run_study, spread
from errata.pipelines.study.settings import WorldStudy

SMALL = ("scenes=24", "measured_scenes=16")


def load(name: str, *settings: str) -> WorldStudy:
    return load_settings(WorldStudy, f"world/{name}", [*SMALL, *settings])


def pick(study: WorldStudy, *names: str) -> WorldStudy:
    return replace(study, conditions={name: study.conditions[name] for name in names})


def ignore(what: str, done: int, total: int, tokens: int = 0, /) -> None:
    """Nobody watches."""


@pytest.mark.parametrize("name", STUDIES)
def test_the_packaged_studies_load(name):
    study = load_settings(WorldStudy, f"world/{name}")
    assert len(study.conditions) > 1
    for condition in study.conditions.values():
        assert condition.recipe


@pytest.mark.slow
def test_levels_with_several_seeds_and_again(tmp_path):
    study = pick(load("mdpo"), "K = 2 (medium)", "K = 4 (large, medium, small)")
    summary = run_study(study, [100, 101], tmp_path, split="validation", on_progress=ignore)
    two, four = summary.values()
    assert four["responses"].mean > two["responses"].mean == 2
    assert len(two["chair_s_drop"].values) == 2
    changes = [b - a for a, b in zip(two["chair_s"].values, four["chair_s"].values, strict=True)]
    assert four["chair_s_against_first"].values == pytest.approx(changes)
    assert "chair_s_against_first" not in two
    assert two["chair_s_drop"].low <= two["chair_s_drop"].mean <= two["chair_s_drop"].high
    written = json.loads((tmp_path / "study.json").read_text())
    assert written["split"] == "validation"
    assert written["conditions"]["K = 2 (medium)"]["recall"]["mean"] == pytest.approx(two["recall"].mean)

    assert (tmp_path / "study.png").stat().st_size > 10_000

    trained = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.safetensors")}
    assert len(trained) == 4
    assert run_study(study, [100, 101], tmp_path, split="validation", on_progress=ignore) == summary
    assert trained == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.safetensors")}
    with pytest.raises(ConfigError, match="remove the folder"):
        run_study(study, [100], tmp_path, split="evaluation", on_progress=ignore)


@pytest.mark.slow
def test_auto_check_brings_shuffled_levels_nearer_to_the_truth(tmp_path):
    study = pick(load("auto-check", "scenes=150"), "true order", "shuffled", "shuffled, then checked by F1")
    true, shuffled, checked = run_study(study, [100], tmp_path, on_progress=ignore).values()
    assert true["kendall_tau"].mean == 1
    assert shuffled["kendall_tau"].mean < 0.4 < checked["kendall_tau"].mean


@pytest.mark.slow
def test_corrections_by_their_number(tmp_path):
    study = pick(load("scaling", "scenes=120"), "Dense DPO, 100", "SFT, 100")
    few = replace(study, conditions={name: replace(one, corrections=40) for name, one in study.conditions.items()})
    dense, tuned = run_study(few, [100], tmp_path / "few", on_progress=ignore).values()
    assert dense["pairs"].mean == tuned["pairs"].mean == 40
    assert dense["chair_s"].low is None  # one seed has no interval
    with pytest.raises(ConfigError, match="100 corrections"):  # 120 scenes do not give so many
        run_study(study, [100], tmp_path / "many", on_progress=ignore)


@pytest.mark.slow
def test_rounds_measure_labels_and_every_round(tmp_path):
    study = pick(load("divide-and-conquer", "rounds=2"), "labelled by a larger model")
    (found,) = run_study(study, [100], tmp_path, on_progress=ignore).values()
    assert {"round_1_chair_s", "round_2_chair_s", "label_agreement", "false_rejected"} <= found.keys()
    assert found["label_agreement"].mean > 0.7
    assert found["chair_s"].mean == found["round_2_chair_s"].mean


@pytest.mark.slow
def test_best_of_n_picks_among_the_first_n_samples(tmp_path):
    study = pick(load("best-of-n", "scenes=60"), "N = 1", "N = 16")
    one, sixteen = run_study(study, [100], tmp_path, on_progress=ignore).values()
    assert one["greedy_chair_s"] == sixteen["greedy_chair_s"]
    answers = list(Path(tmp_path / "seed-100" / "answers").glob("best-of-*.samples.jsonl"))
    assert len(answers[0].read_text().splitlines()) == 16 * 16


def test_intervals_are_student_s():
    found = spread([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3
    assert found.high - found.mean == pytest.approx(2.776 * 1.5811388 / 5**0.5)  # t at 97.5 %, four degrees of freedom
    assert spread([2.0]).low is None


def test_the_verb_prints_a_table(tmp_path, capsys):
    told = ["conditions={only: {recipe: world/mdpo-train, experts: [medium]}}", *SMALL]
    assert main(["world", "study", "mdpo", *told, "--seeds", "100", "--out", str(tmp_path)]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| condition | base_chair_s | chair_s_drop |") for line in lines)
    assert any(line.startswith("| only | ") for line in lines)
    assert (tmp_path / "study-dark.png").is_file()  # one seed has no interval, and is drawn
    assert main(["world", "study", "mdpo", "--seeds", "x", "--out", str(tmp_path)]) == USAGE
