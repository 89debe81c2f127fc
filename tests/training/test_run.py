"""A run from a settings file: its folder, its continuation, its recipes."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import errata.recipes
from errata.config import load_settings
from errata.errors import ConfigError, DataError, ModelError
from errata.models import LlavaAdapter, ModelSettings, load_model
from errata.objectives import PRESETS
from errata.records import write_records
from errata.training import DivergedError, TrainRun, train
from struck import run_struck

RECIPES = sorted(Path(errata.recipes.__file__).parent.glob("*.yaml"))


@pytest.fixture
def overrides(tiny_folder, image_folder, records, tmp_path):
    write_records(tmp_path / "records.jsonl", records)
    return [
        f"model.name={tiny_folder}",
        f"data={tmp_path / 'records.jsonl'}",
        f"image_root={image_folder}",
        f"out={tmp_path / 'run'}",
        "objective=ddpo",
        "records_per_step=4",
        "learning_rate=1e-3",
        "num_train_epochs=2",
        "logging_steps=1",
        "disable_tqdm=true",
        "use_cpu=true",
    ]


def run(overrides, *more):
    return train(load_settings(TrainRun, None, [*overrides, *more]))


def assert_same_weights(folder: Path, expected) -> None:
    found = load_file(folder / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all((value == expected[name]).all() for name, value in found.items())


def run_in_child(overrides, strike: str, step: int, tmp_path: Path) -> int:
    """The same run in a process of its own, which `struck.strike` ends after so many steps."""
    (tmp_path / "none.yaml").write_text("{}\n")
    return run_struck(["train", str(tmp_path / "none.yaml"), *overrides], strike, tmp_path / "child.log", step)


def test_a_run_writes_its_settings_first_and_its_model_last(overrides, tmp_path):
    result = run(overrides)
    assert result.steps == 6
    assert result.model == tmp_path / "run" / "model"
    assert not result.interrupted
    assert result.tree_check.startswith("shared prefix is exact")
    assert result.metrics["loss"] < 0.6932
    stated = yaml.safe_load((result.out / "settings.yaml").read_text())
    assert (stated["objective"], stated["records_per_step"], stated["seed"]) == ("ddpo", 4, 42)
    assert "torch" in json.loads((result.out / "versions.json").read_text())
    assert len((result.out / "log.jsonl").read_text().splitlines()) == 7
    assert not (result.out / "bad.jsonl").exists()
    load_model(ModelSettings(name=str(result.model)))


def test_the_same_command_again_changes_nothing_and_fresh_starts_over(overrides, tmp_path):
    first = run(overrides)
    weights = load_file(first.model / "model.safetensors")
    again = run(overrides)
    assert again.resumed_from is None
    assert (again.steps, again.metrics, again.model) == (6, first.metrics, first.model)
    assert_same_weights(again.model, weights)
    with pytest.raises(ConfigError, match=r"learning_rate was 0\.001 and is now 0\.002"):
        run(overrides, "learning_rate=2e-3")
    assert run(overrides, "learning_rate=2e-3", "fresh=true").resumed_from is None


@pytest.mark.parametrize("left", ["result.json", "checkpoint-2"])
@pytest.mark.parametrize("form", ["file", "folder"])
def test_a_run_goes_on_with_the_data_it_began_with(overrides, records, tmp_path, form, left):
    more = ["save_steps=2", "save_total_limit=9", *([f"data={tmp_path}"] if form == "folder" else [])]
    whole = run(overrides, *more)
    if left == "checkpoint-2":
        for done in ("checkpoint-4", "checkpoint-6", "model"):
            shutil.rmtree(whole.out / done)
        (whole.out / "result.json").unlink()
    write_records(tmp_path / "records.jsonl", records[:-1])
    with pytest.raises(ConfigError, match=r"other data; expected the data of the run in this folder"):
        run(overrides, *more)
    assert run(overrides, *more, "fresh=true").resumed_from is None


def test_a_killed_run_continues_to_the_same_weights(overrides, tmp_path):
    more = ["num_train_epochs=8", "save_steps=5", "save_total_limit=2"]
    assert run_in_child([*overrides, *more], "while_training", 12, tmp_path) == -signal.SIGKILL
    assert not (tmp_path / "run" / "model").exists()
    continued = run(overrides, *more)
    assert continued.resumed_from == tmp_path / "run" / "checkpoint-10"
    whole = run(overrides, *more, f"out={tmp_path / 'whole'}")
    assert_same_weights(continued.model, load_file(whole.model / "model.safetensors"))
    assert continued.metrics["loss"] == whole.metrics["loss"]


@pytest.mark.parametrize("more", [[], ["lora.r=4"]], ids=["full", "lora"])
def test_an_earlier_checkpoint_leads_to_the_same_weights(overrides, tmp_path, more):
    more = [*more, "save_steps=2", f"eval_data={tmp_path / 'records.jsonl'}", "eval_strategy=epoch"]
    whole = run(overrides, *more)
    name = "adapter_model.safetensors" if "lora.r=4" in more else "model.safetensors"
    weights = load_file(whole.model / name)
    for done in ("checkpoint-4", "checkpoint-6", "model", "reference"):
        shutil.rmtree(whole.out / done)
    continued = run(overrides, *more)
    assert continued.resumed_from == whole.out / "checkpoint-2"
    found = load_file(continued.model / name)
    assert all(torch.equal(value, weights[key]) for key, value in found.items())
    assert continued.metrics["eval_loss"] == whole.metrics["eval_loss"]


@pytest.mark.parametrize("more", [[], ["lora.r=4"]], ids=["full", "lora"])
def test_a_continued_run_ends_with_the_same_bits(overrides, tiny_folder, tmp_path, monkeypatch, more):
    """Also where the reference is there already, so that the tower meets images in other company, and the model's own
    settings have dropout. Sums of a larger pass round otherwise: here by enough for every machine."""
    original = LlavaAdapter.image_features
    monkeypatch.setattr(
        LlavaAdapter,
        "image_features",
        lambda *args: [feature + 1e-4 * len(args[2]) for feature in original(*args)],
    )
    model = shutil.copytree(tiny_folder, tmp_path / "with-dropout")
    config = json.loads((model / "config.json").read_text())
    config["text_config"]["attention_dropout"] = config["vision_config"]["attention_dropout"] = 0.3
    (model / "config.json").write_text(json.dumps(config))
    more = [*more, f"model.name={model}", "records_per_step=1", "num_train_epochs=1", "save_steps=4"]
    whole = run(overrides, *more)
    (path,) = whole.model.glob("*model.safetensors")
    weights = load_file(path)
    for done in ("checkpoint-8", "checkpoint-12", "model"):
        shutil.rmtree(whole.out / done)
    continued = run(overrides, *more)
    assert continued.resumed_from == whole.out / "checkpoint-4"
    assert all(torch.equal(value, weights[key]) for key, value in load_file(path).items())


def test_a_signal_saves_a_checkpoint_and_says_so(overrides, tmp_path):
    more = ["num_train_epochs=8", "save_steps=5"]
    assert run_in_child([*overrides, *more], "while_told_to_stop", 8, tmp_path) == 130
    assert not (tmp_path / "run" / "model").exists()
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert steps[-1] == 8  # the step under way is finished
    assert (tmp_path / "run" / f"checkpoint-{steps[-1]}" / "trainer_state.json").exists()


def test_a_lora_run_ends_with_an_adapter_that_loads(overrides, tmp_path):
    result = run(overrides, "lora.r=4")
    loaded = load_model(ModelSettings(name=str(result.model)))
    assert hasattr(loaded.model, "disable_adapter")
    assert not (result.model / "model.safetensors").exists()


def test_bad_input_is_named(overrides, tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        run(overrides, "model.name=/nowhere")
    with pytest.raises(DataError, match=r"missing\.jsonl"):
        run(overrides, "data=missing.jsonl")
    with pytest.raises(ConfigError, match="did you mean 'beta'"):
        run(overrides, "betta=0.2")
    (tmp_path / "records.jsonl").write_text('{"id": "a"}\n' + (tmp_path / "records.jsonl").read_text())
    with pytest.raises(DataError, match=r"records\.jsonl:1"):
        run(overrides)
    assert run(overrides, "skip_bad=true").set_aside[0].id.endswith("records.jsonl:1")


def test_what_was_set_aside_is_written_before_the_first_step(overrides, tmp_path):
    seen = []
    settings = load_settings(TrainRun, None, [*overrides, "max_length=31", "max_steps=1"])

    def look(what, done, total):
        if what == "training":
            seen.append((tmp_path / "run" / "bad.jsonl").read_text().splitlines())

    result = train(settings, look)
    assert [json.loads(line)["id"] for line in seen[0]] == [row.id for row in result.set_aside]
    assert 0 < len(result.set_aside) < 12
    assert run(overrides, "fresh=true", "max_steps=1").set_aside == ()
    assert not (tmp_path / "run" / "bad.jsonl").exists()


def test_a_run_that_diverges_keeps_its_log_and_its_checkpoint(overrides, tmp_path):
    more = ["learning_rate=1e-3", "save_steps=1", "max_loss=0.6925"]
    with pytest.raises(DivergedError, match=r"step 1: a loss of 0\.6931"):
        run(overrides, *more)
    assert (tmp_path / "run" / "log.jsonl").read_text() == ""
    with pytest.raises(DivergedError, match="step 2"):
        run(overrides, "learning_rate=1e3", "save_steps=1", "lr_scheduler_type=constant")
    assert [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()] == [1]
    assert [path.name for path in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-1"]


@pytest.mark.parametrize("more", [[], ["lora.r=4"]], ids=["full", "lora"])
def test_a_run_can_be_tracked(overrides, tmp_path, monkeypatch, more):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    result = run(overrides, *more, "report_to=tensorboard", "max_steps=2")
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    (loss, last) = events.Scalars("train/loss")
    assert (loss.step, last.step, last.value) == (1, 2, pytest.approx(result.metrics["loss"]))
    settings = load_settings(TrainRun, None, overrides)
    assert json.loads(settings.to_json_string())["data"] == str(tmp_path / "records.jsonl")
    assert settings.to_sanitized_dict()["objective"] == "ddpo"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_are_whole(path, tmp_path):
    settings = load_settings(TrainRun, path, ["model.name=m", "data=d.jsonl", f"out={tmp_path}"])
    assert settings.objective in PRESETS
    assert settings.build_objective().name == settings.objective
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("lora", [[], ["lora.r=4"]])
def test_a_trained_model_is_asked_as_it_was_trained(overrides, lora):
    result = run(overrides, *lora, "model.system_prompt=Be brief.", "model.image_mode=pad", "max_steps=1")
    settings = load_model(ModelSettings(name=str(result.model), device="cpu")).adapter.settings
    assert (settings.system_prompt, settings.image_mode, settings.template) == ("Be brief.", "pad", "auto")
    other = ModelSettings(name=str(result.model), device="cpu", system_prompt="Be long.")
    assert load_model(other).adapter.settings.system_prompt == "Be long."
    (result.model / "errata.json").write_text('{"template": 3}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"errata\.json: .*model\.template"):
        load_model(ModelSettings(name=str(result.model), device="cpu"))


def test_a_model_trained_with_defaults_needs_no_note(overrides):
    assert not (run(overrides, "max_steps=1").model / "errata.json").exists()
