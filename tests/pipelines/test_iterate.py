"""Alignment in rounds: what a round makes, when it stops, and that a run which was cut off goes on."""

from __future__ import annotations

import json
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from endpoint_server import EndpointServer, Fault
from errata.cli.main import main
from errata.config import load_settings
from errata.errors import DONE, INCOMPLETE, USAGE, ConfigError, ModelError
from errata.models import ModelSettings, load_model
from errata.pipelines.iterate.checkpoints import Candidate
from errata.pipelines.iterate.round import Round, choose_questions
from errata.pipelines.iterate.run import find_reason_to_stop, iterate
from errata.pipelines.iterate.settings import IterateRun
from errata.records import Metric, Question, Turn, read_records
from errata.storage import write_json_lines
from errata.training import PreferenceTrainer
from errata.world import base_folder
from tiny_text import save_text_model

SETTINGS = (
    "rounds=2",
    "questions_per_round=24",
    "samples=4",
    "train.records_per_step=8",
    "feedback.labeller=self",
    "train.model.device=cpu",
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    assert main(["world", "scenes", "--count", "60", "--seed", "3", "--out", str(folder)]) == DONE
    return folder


def list_settings(scenes: Path, out: Path, *settings: str) -> list[str]:
    told = [
        f"model={base_folder('medium')}",
        f"questions={scenes / 'questions.jsonl'}",
        f"evaluation.annotations={scenes / 'annotations.jsonl'}",
        f"evaluation.vocabulary={scenes / 'vocabulary.txt'}",
        f"feedback.cache={out.parent / 'verdicts.sqlite'}",
        f"out={out}",
    ]
    return [*told, *SETTINGS, *settings]


def build_run(scenes: Path, out: Path, *settings: str) -> IterateRun:
    return load_settings(IterateRun, "world/rounds", list_settings(scenes, out, *settings))


class Cut(Exception):
    """Somebody pulled the plug."""


@pytest.fixture(scope="module")
def whole(scenes, tmp_path_factory):
    return iterate(build_run(scenes, tmp_path_factory.mktemp("whole") / "rounds"))


def test_every_round_begins_with_the_best_checkpoint_of_the_last(whole):
    start, first, second = whole.rounds
    assert start.candidates[0].model == str(base_folder("medium"))
    assert first.began_with == start.best.model
    assert second.began_with == first.best.model
    assert [one.name for one in first.candidates][-1] == "model"
    assert len(first.candidates) > 1  # a checkpoint besides the trained model
    assert whole.stopped == "2 rounds are over"


def test_rounds_ask_other_questions_and_keep_what_they_compared(whole):
    folder = whole.report.parent
    asked = [
        {json.loads(line)["id"] for line in (folder / f"round-{n}" / "questions.jsonl").read_text().splitlines()}
        for n in (1, 2)
    ]
    assert len(asked[0]) == len(asked[1]) == 24
    assert not asked[0] & asked[1]
    records = read_records(folder / "round-1" / "feedback" / "records.jsonl")
    assert len(records) == whole.rounds[1].counts["records"]
    assert all(record.meta["claims"] for record in records)


def test_the_curve_and_the_page_hold_every_checkpoint(whole):
    folder = whole.report.parent
    results = json.loads((folder / "results.json").read_text())
    points = results["rounds"]["points"]
    assert [point["round"] for point in points if point["best"]] == [0, 1, 2]
    assert len(points) == sum(len(one.candidates) for one in whole.rounds)
    best = next(stage for stage in results["stages"][1:] if "(best)" in stage["label"])
    assert results["stages"][1] == best
    assert best["benchmarks"]["chair"]["metrics"]["chair_s"]["value"] == min(
        one.best.metric.value for one in whole.rounds[1:]
    )
    assert (folder / "plots" / "rounds.png").stat().st_size > 10_000
    assert "each round begins with the best checkpoint" in whole.report.read_text()


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on_and_ends_the_same(whole, scenes, tmp_path):
    run = build_run(scenes, tmp_path / "rounds")
    for place in ("round-1: answers", "round-1: training", "round-2: labels", "round-2, model: chair"):

        def pull(what: str, done: int, total: int, tokens: int = 0, /, place: str = place) -> None:
            if what == place and done:
                raise Cut(what)

        with pytest.raises(Cut):
            iterate(run, pull)
    done = iterate(run)
    assert [[(one.name, one.metric) for one in round_.candidates] for round_ in done.rounds] == [
        [(one.name, one.metric) for one in round_.candidates] for round_ in whole.rounds
    ]
    again = iterate(run, lambda what, done, total, tokens=0, /: pytest.fail(f"{what} was done again"))
    assert again.rounds == done.rounds


@pytest.mark.parametrize(
    "setting",
    [
        "train.optim=adamw_bnb_8bit",
        "train.max_steps=0",
        "train.lr_scheduler_type=x",
        "train.lora.dropout=0.1",
        "train.model.max_pixels=100",
        "train.model.dtype=bf16",
        "generation.max_pixels=100",
        "evaluation.generation.thinking=true",
    ],
)
def test_what_training_refuses_is_refused_before_anything_is_measured(scenes, tmp_path, setting):
    with pytest.raises((ConfigError, ModelError), match=setting.partition("=")[0].rpartition(".")[2]):
        iterate(build_run(scenes, tmp_path / "rounds", setting))
    assert not (tmp_path / "rounds").exists()


def test_a_judge_that_cannot_see_is_refused_before_anything_is_measured(scenes, tmp_path):
    blind = save_text_model(tmp_path / "blind")
    with pytest.raises(ModelError, match="a model that sees"):
        iterate(build_run(scenes, tmp_path / "rounds", f"feedback.labeller=local:{blind}"))
    assert not (tmp_path / "rounds").exists()


@pytest.mark.slow
def test_a_signal_after_the_last_step_ends_the_run_before_it_measures(scenes, tmp_path, monkeypatch):
    """The training is over and saved; what follows waits for the same command."""
    run = build_run(scenes, tmp_path / "rounds", "rounds=1", "evaluation.checkpoints=last")
    with monkeypatch.context() as patch:
        original = PreferenceTrainer._maybe_log_save_evaluate

        def strike(trainer, *given, **options):
            original(trainer, *given, **options)
            if trainer.state.global_step == trainer.state.max_steps and not trainer.signalled:
                signal.raise_signal(signal.SIGTERM)

        patch.setattr(PreferenceTrainer, "_maybe_log_save_evaluate", strike)
        stopped = iterate(run)
    assert stopped.stopped is None
    assert (tmp_path / "rounds" / "round-1" / "training" / "model").is_dir()
    assert not (tmp_path / "rounds" / "round-1" / "evaluation").exists()
    assert iterate(run).stopped == "1 round is over"


def test_what_cannot_be_asked_costs_no_other_and_is_told(scenes, tmp_path, capsys):
    folder = tmp_path / "scenes"
    shutil.copytree(scenes, folder)
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()][:24]
    rows[3]["prompt"] = "<image1> Describe the image."
    (folder / rows[5]["images"][0]).write_bytes(b"no picture")
    write_json_lines(folder / "questions.jsonl", rows)
    told = list_settings(folder, tmp_path / "rounds", "rounds=1", "evaluation.checkpoints=last")
    assert main(["iterate", "world/rounds", *told]) == INCOMPLETE
    printed = capsys.readouterr()
    assert "2 questions failed" in printed.out
    assert "1 answer or verdict missing" in printed.out
    assert "  feedback: 1 x no answers: " in printed.out
    assert "  model: 1 x no answer: " in printed.out
    told = json.loads((tmp_path / "rounds" / "results.json").read_text())["rounds"]["reasons"]
    assert sum(one["count"] for one in told if one["round"] == 1 and one["of"] == "feedback") == 2
    assert {"what", "reason", "count", "remedy", "example"} < told[0].keys()
    assert "feedback/bad.jsonl" in printed.err


@pytest.mark.slow
def test_an_adapter_is_merged_before_it_is_the_reference_of_the_next_round(scenes, tmp_path):
    run = build_run(scenes, tmp_path / "rounds", "evaluation.checkpoints=last", "samples=3")
    lora = {"r": 4, "alpha": 8}
    train = {**run.train, "lora": lora, "train_projector": False, "learning_rate": 1e-3}
    done = iterate(replace(run, train=train))
    start = tmp_path / "rounds" / "round-2" / "start"
    assert done.rounds[2].began_with == done.rounds[1].best.model
    merged, adapted = (load_model(ModelSettings(str(one), device="cpu")) for one in (start, done.rounds[2].began_with))
    assert not hasattr(merged.model, "disable_adapter")
    weight = "model.language_model.layers.0.self_attn.q_proj.weight"
    layer = adapted.model.get_base_model().get_submodule(weight.rpartition(".")[0])
    moved = layer.weight + layer.get_delta_weight("default")
    assert (merged.model.get_parameter(weight) - moved).abs().max() < 1e-5
    assert layer.get_delta_weight("default").abs().max() > 1e-5


def test_the_folder_of_another_run_is_refused(whole, scenes, capsys):
    out = whole.report.parent
    told = [f"model={base_folder('medium')}", f"questions={scenes / 'questions.jsonl'}", "feedback.labeller=self"]
    assert main(["iterate", "world/rounds", *told, "--out", str(out)]) == USAGE
    assert "start over with --fresh" in capsys.readouterr().err


def test_a_folder_with_other_files_beside_the_settings_is_refused(scenes, tmp_path):
    (tmp_path / "iterate.yaml").write_text("{}\n")
    (tmp_path / "thesis.txt").write_text("Chapter 1")
    with pytest.raises(ConfigError, match="other files"):
        iterate(build_run(scenes, tmp_path))
    assert (tmp_path / "iterate.yaml").read_text() == "{}\n"


def make_round(number: int, *values: float | None, better: str = "lower") -> Round:
    candidates = tuple(
        Candidate(f"c{i}", f"m{number}-{i}", "", Metric(value, better=better)) for i, value in enumerate(values)
    )
    return Round(number, "", {}, candidates)


def test_the_direction_of_a_metric_is_its_own():
    assert make_round(1, 0.3, 0.2, None).best.name == "c1"
    assert make_round(1, 0.3, 0.2, None, better="higher").best.name == "c0"
    assert make_round(1, 0.2, 0.2).best.name == "c0"


@pytest.mark.parametrize(
    ("values", "patience", "gain", "reason"),
    [
        ([0.4, 0.3], 1, 0.0, None),
        ([0.4, 0.4], 1, 0.0, "no gain in chair.chair_s in 1 round"),
        ([0.4, 0.3, 0.35], 2, 0.0, None),
        ([0.4, 0.3, 0.35, 0.3], 2, 0.0, "no gain in chair.chair_s in 2 rounds"),
        ([0.4, 0.395], 1, 0.01, "no gain in chair.chair_s in 1 round"),
        ([0.5, 0.4, 0.3, 0.2, 0.1], 1, 0.0, "4 rounds are over"),
    ],
)
def test_when_it_stops(scenes, tmp_path, values, patience, gain, reason):
    run = replace(build_run(scenes, tmp_path / "r", "rounds=4"), patience=patience, least_gain=gain)
    assert find_reason_to_stop(run, [make_round(n, value) for n, value in enumerate(values)]) == reason


def test_questions_come_round_when_there_are_no_others():
    questions = [Question(f"q{n}", (), (Turn("user", "What?"),)) for n in range(10)]
    names = [[one.id for one in choose_questions(questions, 4, number, seed=1)] for number in (1, 2, 3, 4)]
    assert sorted(names[0] + names[1] + names[2][:2]) == sorted(one.id for one in questions)
    assert all(len(set(group)) == len(group) for group in names)
    assert names == [[one.id for one in choose_questions(questions, 4, number, seed=1)] for number in (1, 2, 3, 4)]
    assert choose_questions(questions, 10, 3, seed=1) == choose_questions(questions, None, 1, seed=2) == questions


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.model.name=other", "every round sets it"),
        ("train.seed=3", "every round sets it"),
        ("evaluation.metric=pope_random.f1", "name one that is measured"),
        ("samples=1", "at least 2"),
        ("patience=0", "at least 1"),
        ("most_lost=-1", "at least 0"),
    ],
)
def test_settings_that_cannot_be_used(scenes, tmp_path, setting, message):
    with pytest.raises(ConfigError, match=message):
        build_run(scenes, tmp_path / "r", setting)


def test_a_metric_that_is_not_measured_is_found_before_training(scenes, tmp_path):
    with pytest.raises(ConfigError, match=r"chair\.chair_s"):
        iterate(build_run(scenes, tmp_path / "r", "evaluation.metric=chair.nonsense"))
    assert not (tmp_path / "r" / "round-1").exists()


def test_settings_that_made_no_round_yet_may_be_mended(scenes, tmp_path):
    out = tmp_path / "r"
    with pytest.raises(ModelError):
        iterate(build_run(scenes, out, "model=nowhere/at/all"))

    def pull(*_):
        raise Cut

    with pytest.raises(Cut):
        iterate(build_run(scenes, out), pull)


@pytest.mark.slow
def test_a_labeller_that_dies_in_a_round_stops_it_and_is_asked_for_the_rest(scenes, tmp_path, capsys):
    """Nothing is trained on the answers that happened to be judged before."""

    def look(seen):
        return "Yes" if re.search(r"\b(ball|box|cone|cross|heart|moon|ring|star)\b", seen.text) else "No"

    def run(url, out):
        labeller = (f"feedback.labeller=openai:tiny@{url}", f"feedback.cache={tmp_path / f'{out}.sqlite'}")
        told = list_settings(scenes, tmp_path / out, *labeller, "evaluation.checkpoints=last")
        return main(["iterate", "world/rounds", *told])

    with EndpointServer(look) as server:
        assert run(server.url, "whole") == DONE
        asked = len(server.seen)
    first = json.loads((tmp_path / "whole" / "round-1" / "feedback" / "feedback.json").read_text())
    enough = first["report"]["labeller"]["from_words"]
    with EndpointServer(look, fault=lambda n, _: Fault("status", 401) if n >= enough + 5 else None) as server:
        assert run(server.url, "cut") == INCOMPLETE
    told = capsys.readouterr().err
    assert "a claim without a verdict" in told
    assert "most_lost" in told
    assert (tmp_path / "cut" / "round-1" / "round.json").is_file()
    assert not (tmp_path / "cut" / "round-2" / "training").exists()
    with EndpointServer(look) as server:  # at another address
        assert run(server.url, "cut") == DONE
        assert len(server.seen) < asked - enough
    curves = [json.loads((tmp_path / out / "results.json").read_text())["rounds"] for out in ("whole", "cut")]
    assert curves[0] == curves[1]
