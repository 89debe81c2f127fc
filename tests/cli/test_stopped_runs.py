"""Runs that were killed or interrupted: the same command ends with what an uninterrupted run ends with."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from errata.cli import main
from errata.generation.answers import AnswerFile
from errata.records import Turn
from errata.training.callbacks import StopOnSignal
from shaped import build, write_folder
from struck import run_struck
from world_input import WorldInput, write_world_input

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    return write_world_input(tmp_path_factory.mktemp("world"))


def generate(world, out):
    command = ["generate", world.model, world.questions, "--max-tokens", "12", "--batch-size", "2", "--seed", "3"]
    return [*map(str, command), "--temperature", "1", "--out", str(out)]


def evaluate(world, out):
    command = ["eval", world.model, "--annotations", world.annotations, "--max-tokens", "8", "--batch-size", "4"]
    return [*map(str, command), "--out", str(out)]


def train(world, out, *more):
    common = ["records_per_step=2", "max_steps=4", "save_steps=1", "disable_tqdm=true", "model.device=cpu"]
    common += ["learning_rate=1e-3", "logging_steps=1", *more]
    return ["train", "ddpo", f"model.name={world.model}", f"data={world.records}", *common, "--out", str(out)]


def read_losses(out: Path) -> list[float]:
    lines = (out / "log.jsonl").read_text().splitlines()
    return [row["loss"] for row in map(json.loads, lines) if "loss" in row]


def assert_same_training(one: Path, other: Path, weights: str = "model.safetensors") -> None:
    assert read_losses(one) == read_losses(other)
    first, second = (load_file(out / "model" / weights) for out in (one, other))
    assert first.keys() == second.keys()
    assert all(value.equal(second[name]) for name, value in first.items())


@pytest.mark.slow
def test_killed_answers_continue(world, tmp_path):
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    assert main(generate(world, whole)) == 0
    assert run_struck(generate(world, out), "while_answering", tmp_path / "log", 2) == KILLED
    assert out.read_text().endswith('{"id": "half a li')
    kept = out.read_text().splitlines()[:-1]
    assert len(kept) == 4
    assert main(generate(world, out)) == 0
    assert out.read_text() == whole.read_text()


def test_a_killed_evaluation_continues(world, tmp_path):
    assert main(evaluate(world, tmp_path / "whole")) == 0
    assert run_struck(evaluate(world, tmp_path / "out"), "while_answering", tmp_path / "log", 4) == KILLED
    assert not (tmp_path / "out" / "results.json").exists()
    assert main(evaluate(world, tmp_path / "out")) == 0
    for name in ("results.json", "answers/chair.jsonl", "answers/pope.jsonl", "questions/pope.jsonl"):
        assert (tmp_path / "out" / name).read_text() == (tmp_path / "whole" / name).read_text()


@pytest.mark.slow
def test_an_evaluation_killed_at_three_random_moments_ends_with_the_same_bytes(world, tmp_path):
    """In one process after another, each of which goes on with what the one before left."""
    for name in ("first", "whole"):  # the first also loads what later processes find loaded
        began = time.monotonic()
        assert run_struck(evaluate(world, tmp_path / name), "after_seconds", tmp_path / "log", 1000) == 0
    seconds, rng = time.monotonic() - began, random.Random(1)
    moments = [rng.uniform(0.1, 0.6) * seconds for _ in range(3)]
    codes = [run_struck(evaluate(world, tmp_path / "out"), "after_seconds", tmp_path / "log", at) for at in moments]
    assert codes[0] == KILLED
    assert main(evaluate(world, tmp_path / "out")) == 0
    assert (tmp_path / "out" / "results.json").read_bytes() == (tmp_path / "whole" / "results.json").read_bytes()


@pytest.mark.parametrize(("strike", "after", "resumed"), [("while_saving", 2, "2"), ("while_training", 1, None)])
def test_killed_training_continues(world, tmp_path, strike, after, resumed):
    assert main(train(world, tmp_path / "whole")) == 0
    assert run_struck(train(world, tmp_path / "out"), strike, tmp_path / "log", after) == KILLED
    assert not (tmp_path / "out" / "model").exists()
    steps = sorted(path.parent.name for path in (tmp_path / "out").glob("checkpoint-*/trainer_state.json"))
    assert steps[-1:] == ([f"checkpoint-{resumed}"] if resumed else [])
    assert main(train(world, tmp_path / "out")) == 0
    assert_same_training(tmp_path / "out", tmp_path / "whole")


def test_killed_adapter_training_continues(world, tmp_path):
    command = ["lora.r=4", "records_per_step=4"]
    assert main(train(world, tmp_path / "whole", *command)) == 0
    assert run_struck(train(world, tmp_path / "out", *command), "while_saving", tmp_path / "log", 2) == KILLED
    assert main(train(world, tmp_path / "out", *command)) == 0
    assert_same_training(tmp_path / "out", tmp_path / "whole", "adapter_model.safetensors")


SHAPING = {
    "split": ["--fractions", "0.5,0.5"],
    "merge": [],
    "sample": ["--count", "6"],
    "filter": ["true"],
    "pairs": [],
    "dedup": [],
    "decontaminate": ["--against", "chair"],
    "levels": ["--ratings", "score"],
}


@pytest.mark.parametrize("verb", SHAPING)
def test_a_killed_shaping_verb_leaves_nothing_that_looks_complete(tmp_path, verb):
    records = [build(f"r{i}", [("a.png", "b.png", "c.png")[i % 3]], meta={"score": [1, i]}) for i in range(8)]
    folder = write_folder(tmp_path / "in", [replace(one, prompt=(Turn("user", one.id),)) for one in records])
    command = ["data", verb, str(folder), *SHAPING[verb], "--images", "copy"]
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert main([*command, "--out", str(whole)]) == 0
    assert run_struck([*command, "--out", str(out)], "while_shaping", tmp_path / "log", 4) == KILLED
    assert not list(out.rglob("*.jsonl"))
    assert main([*command, "--out", str(out)]) == 0
    for path in whole.rglob("*.*"):
        if path.is_file():
            assert (out / path.relative_to(whole)).read_bytes() == path.read_bytes()


def interrupt_after(monkeypatch, owner: type, name: str, calls: int) -> None:
    """Send this process SIGINT, as Ctrl-C does, when `owner.name` has returned so often."""
    original, seen = getattr(owner, name), []

    def method(self, *args, **options):
        result = original(self, *args, **options)
        seen.append(1)
        if len(seen) == calls:
            os.kill(os.getpid(), signal.SIGINT)
        return result

    monkeypatch.setattr(owner, name, method)


def test_interrupted_answers_exit_with_130_and_continue(world, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    assert main(generate(world, tmp_path / "whole.jsonl")) == 0
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, AnswerFile, "append", 1)
        assert main(generate(world, out)) == 130
    assert "the same command continues" in capsys.readouterr().err
    assert len(out.read_text().splitlines()) == 2
    assert main(generate(world, out)) == 0
    assert out.read_text() == (tmp_path / "whole.jsonl").read_text()


def test_interrupted_training_exits_with_130_and_continues(world, tmp_path, capsys):
    assert main(train(world, tmp_path / "whole")) == 0
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, StopOnSignal, "on_step_end", 1)
        assert main(train(world, tmp_path / "out", "save_steps=50")) == 130
    assert "the same command continues" in capsys.readouterr().err
    assert main(train(world, tmp_path / "out", "save_steps=50")) == 0
    assert_same_training(tmp_path / "out", tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(("strike", "after"), [("while_answering", 2), ("while_answering", 9), ("while_training", 5)])
def test_a_killed_demo_continues(tmp_path_factory, tmp_path, strike, after):
    whole = tmp_path_factory.getbasetemp() / "whole-demo"
    if not whole.exists():
        assert main(["demo", "--quick", "--out", str(whole)]) == 0
    out = tmp_path / "demo"
    assert run_struck(["demo", "--quick", "--out", str(out)], strike, tmp_path / "log", after) == KILLED
    assert not (out / "results.json").exists()
    assert main(["demo", "--quick", "--out", str(out)]) == 0
    assert (out / "records.jsonl").read_text() == (whole / "records.jsonl").read_text()
    assert read_stable(out) == read_stable(whole)


def read_stable(out: Path) -> dict[str, object]:
    """A demo's results without what differs between two runs of the same numbers: times and places."""
    results = json.loads((out / "results.json").read_text().replace(str(out), "OUT"))
    for name in ("timings", "created"):
        results.pop(name)
    results["training"].pop("seconds")
    for row in results["training"]["log"]:
        row.pop("tokens/s")
    return results
