"""SIGINT and SIGTERM at any moment of any verb: a line, and the exit code 130."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from errata.cli import main
from errata.errors import INTERRUPTED
from struck import run_struck
from world_input import WorldInput, write_world_input


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    return write_world_input(tmp_path_factory.mktemp("world"))


def train(world, out, *more, recipe="ddpo"):
    settings = ["records_per_step=2", "max_steps=2", "save_steps=1", "model.device=cpu", "logging_steps=1", *more]
    command = ["train" if recipe != "sft" else "sft", recipe, f"model.name={world.model}", f"data={world.records}"]
    return [*command, *settings, "--out", str(out)]


def generate(world, out):
    return ["generate", str(world.model), str(world.questions), "--max-tokens", "4", "--out", str(out / "a.jsonl")]


def evaluate(world, out):
    return ["eval", str(world.model), "--annotations", str(world.annotations), "--max-tokens", "4", "--out", str(out)]


def check(world, out):
    return ["data", "check", str(world.records)]


def dedup(world, out):
    return ["data", "dedup", str(world.records), "--out", str(out)]


def export(world, out):
    return ["data", "export", str(world.records), "--format", "trl", "--out", str(out)]


def browse(world, out):
    return ["data", "browse", str(world.records), "--out", str(out)]


MOMENTS = {
    "train-settings": (train, "errata.training.run.run", "open_run_folder", 1),
    "train-data": (train, "errata.training.run.run", "load_records", 1),
    "train-model": (train, "errata.training.run.run", "load_model", 1),
    "train-encoding": (train, "errata.training.encode.encoding:RecordEncoder", "encode", 2),
    "train-check": (train, "errata.training.passes", "self_check", 1),
    "train-reference": (train, "errata.training.reference", "_find_or_compute", 1),
    "train-optimiser": (train, "errata.training.optimising:OptimisingTrainer", "create_optimizer", 1),
    "generate-model": (generate, "errata.pipelines.answering.local_model", "load_model", 1),
    "generate-images": (generate, "errata.models.pixels:PixelCache", "load", 2),
    "eval-questions": (evaluate, "errata.pipelines.evaluate.run", "load_questions", 1),
    "eval-images": (evaluate, "errata.models.pixels:PixelCache", "load", 2),
    "check": (check, "errata.data.checks.check", "show_file", 1),
    "dedup": (dedup, "errata.data.shaping.folders:RecordFile", "read", 1),
    "export": (export, "errata.data.export_records:_Images", "_read", 1),
    "browse": (browse, "errata.data.browse.page", "open_image", 1),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_before_the_first_step_exits_with_130_and_a_line(world, tmp_path, moment, number):
    command, place, name, count = MOMENTS[moment]
    log = tmp_path / "log"
    code = run_struck(command(world, tmp_path / "out"), "signalled_in", log, place, name, count, int(number))
    assert code == INTERRUPTED, log.read_text()
    assert log.read_text().splitlines()[-1] == "interrupted; the same command continues where it can"
    assert "Traceback" not in log.read_text()


def test_what_was_interrupted_before_its_first_step_continues(world, tmp_path):
    log = tmp_path / "log"
    out = tmp_path / "out"
    place = ("errata.training.reference", "_find_or_compute", 1)
    assert run_struck(train(world, out), "signalled_in", log, *place, int(signal.SIGTERM)) == INTERRUPTED
    assert main(train(world, out)) == 0
    assert json.loads((out / "result.json").read_text())["steps"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_a_real_process_says_so_too(world, tmp_path, number):
    """The signal comes as soon as the run has its folder, while data and model are loaded."""
    out, environment = tmp_path / "out", os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "errata", *train(world, out, "max_steps=1000", "save_strategy=no")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        deadline = time.monotonic() + 120
        while not (out / "settings.yaml").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (out / "settings.yaml").exists()
        process.send_signal(number)
        told = process.communicate(timeout=120)[1]
    assert process.returncode == INTERRUPTED, told
    assert "interrupted" in told
    assert "Traceback" not in told


def test_a_library_that_makes_an_error_of_the_interrupt_changes_nothing(world, tmp_path, monkeypatch, capsys):
    def load(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise ImportError("cannot load module more than once") from None

    monkeypatch.setattr("errata.pipelines.answering.local_model.load_model", load)
    assert main(generate(world, tmp_path)) == INTERRUPTED
    assert capsys.readouterr().err.splitlines()[-1].startswith("interrupted")


def test_an_ignored_signal_stays_ignored(world, tmp_path):
    """As in the background of a script without job control."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("errata.data.checks.check.show_file", lambda *_, **__: signal.raise_signal(signal.SIGINT))
            assert main(check(world, tmp_path)) != INTERRUPTED
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("errata.training.trainer.Passes.check", lambda *_, **__: signal.raise_signal(signal.SIGINT))
            assert main(train(world, tmp_path / "out")) == 0
    finally:
        signal.signal(signal.SIGINT, previous)
