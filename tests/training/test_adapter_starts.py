"""Runs that begin with an adapter: the reference is the model as it was given, and what is saved loads as it was."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file
from torch import nn
from transformers import LlavaForConditionalGeneration

from errata.config import load_settings
from errata.data import LoadedRecords
from errata.errors import ConfigError, ModelError
from errata.models import ModelSettings, load_model, quiet_transformers
from errata.records import write_records
from errata.training import LORA_TARGETS, LoraSettings, PreferenceTrainer, SftRun, TrainRun, find_start, train
from training_checks import move_adapter, read_curve, save_tuned

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

LN2 = pytest.approx(math.log(2), abs=1e-5)
NEW = LoraSettings(r=2, alpha=4)


@pytest.fixture(scope="module")
def tuned(tiny_folder, tmp_path_factory) -> Path:
    return save_tuned(tiny_folder, tmp_path_factory.mktemp("tuned") / "adapter")


@pytest.fixture
def give(tiny_folder, tuned):
    """The tuned model in one of the forms in which a trainer takes it."""

    def build(form: str):
        if form == "folder":
            return str(tuned)
        if form == "base+adapter":
            return f"{tiny_folder}+{tuned}"
        if form == "loaded":
            return load_model(ModelSettings(str(tuned)), for_training=True)
        with quiet_transformers():
            return PeftModel.from_pretrained(
                LlavaForConditionalGeneration.from_pretrained(tiny_folder), tuned, is_trainable=True
            )

    return build


def score(trainer: PreferenceTrainer, model: nn.Module) -> torch.Tensor:
    """Token log-probabilities of the first records under a model."""
    data = trainer.train_dataset
    with torch.no_grad():
        return torch.cat([trainer._compute_logps(model.eval(), row) for row in data.build_rows(range(4))])


def assert_loads_as_it_was_trained(trainer: PreferenceTrainer, folder: Path) -> None:
    """Through our loading, and through plain PEFT on the base that the adapter names."""
    trained = score(trainer, trainer.model)
    assert torch.equal(score(trainer, prepared(load_model(ModelSettings(str(folder))).model, trainer)), trained)
    named = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert Path(named).is_absolute()
    with quiet_transformers():
        base = LlavaForConditionalGeneration.from_pretrained(named)
        plain = PeftModel.from_pretrained(base, folder)
    assert torch.equal(score(trainer, prepared(plain, trainer)), trained)


def prepared(model: nn.Module, trainer: PreferenceTrainer) -> nn.Module:
    """With the attention that reads rows."""
    trainer._passes.__class__(trainer.adapter, [model], trainer.args)
    return model


FORMS = ["folder", "base+adapter", "loaded", "object"]


@pytest.mark.parametrize("cache", ["auto", None], ids=["cached", "live"])
@pytest.mark.parametrize("new", [False, True], ids=["continued", "new"])
@pytest.mark.parametrize("form", FORMS)
def test_the_reference_is_the_model_as_it_was_given(give, build_trainer, load_tiny, tmp_path, form, new, cache):
    peft = {"peft_config": NEW.build()} if new else {}
    trainer = build_trainer({"model": give(form), **peft}, reference_cache=cache, learning_rate=1e-2, max_steps=3)
    given, base = score(trainer, trainer.model), score(trainer, prepared(load_tiny().model, trainer))
    assert (given - base).abs().max() > 1e-2
    assert ("merged" if new else "trained further") in trainer.start
    trainer.train()
    assert read_curve(trainer)[0] == LN2
    assert read_curve(trainer)[-1] < 0.69
    first = trainer.state.log_history[0]
    assert first["drift/chosen"] == pytest.approx(0, abs=1e-6)
    trainer.save_model(str(tmp_path / "out" / "model"))
    assert_loads_as_it_was_trained(trainer, tmp_path / "out" / "model")


def test_a_merged_base_is_the_model_that_was_given(give, build_trainer, tmp_path):
    trainer = build_trainer({"model": give("object"), "peft_config": NEW.build()})
    merged = load_model(ModelSettings(str(tmp_path / "out" / "base")))
    given = score(trainer, prepared(give("loaded").model, trainer))
    assert (score(trainer, prepared(merged.model, trainer)) - given).abs().max() < 1e-5
    with trainer.model.disable_adapter():
        assert (score(trainer, trainer.model) - given).abs().max() < 1e-5


def test_cached_and_live_references_of_an_adapter_agree(give, build_trainer, records, image_folder):
    options = {"objective": "ddpo", "learning_rate": 1e-2, "eval_strategy": "epoch"}
    data = {"eval_dataset": LoadedRecords(records[:4], image_folder)}
    cached = build_trainer({"model": give("folder"), **data}, **options)
    live = build_trainer({"model": give("folder"), **data}, **options, reference_cache=None)
    cached.train()
    live.train()
    assert read_curve(cached) == pytest.approx(read_curve(live), abs=1e-5)
    losses = [[line["eval_loss"] for line in one.state.log_history if "eval_loss" in line] for one in (cached, live)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    others = LoadedRecords(records[4:8], image_folder)  # scored after training, by the adapter as it was
    assert cached.evaluate(others)["eval_loss"] == pytest.approx(live.evaluate(others)["eval_loss"], abs=1e-5)


@pytest.mark.slow
def test_adapters_on_one_base_share_no_cache(give, build_trainer, tiny_folder, tmp_path):
    shared = {"reference_cache": str(tmp_path / "shared"), "max_steps": 1}
    build_trainer({"model": give("folder")}, **shared).train()
    build_trainer({"model": give("object")}, **shared).train()  # the same adapter
    other = LoraConfig(r=4, lora_alpha=8, target_modules=LORA_TARGETS)  # the same weights, but for alpha
    for model in (str(save_tuned(tiny_folder, tmp_path / "other", other)), str(tiny_folder)):
        with pytest.raises(ConfigError, match=r"those of another one, which differs in adapter"):
            build_trainer({"model": model}, **shared).train()
    with pytest.raises(ConfigError, match="weights"):
        build_trainer({"model": give("folder"), "peft_config": NEW.build()}, **shared).train()


@pytest.mark.slow
def test_an_adapter_as_ref_model_counts_in_the_cache(give, build_trainer, load_tiny, tiny_folder, tmp_path):
    shared = {"reference_cache": str(tmp_path / "shared"), "max_steps": 1}
    trainer = build_trainer({"ref_model": give("object")}, **shared)
    trainer.train()
    assert abs(read_curve(trainer)[0] - math.log(2)) > 1e-4
    with pytest.raises(ConfigError, match="adapter"):
        build_trainer({"ref_model": load_tiny().model}, **shared).train()


@pytest.mark.parametrize("form", ["whole", "adapter"])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("peft", [None, NEW], ids=["own", "new"])
def test_the_model_itself_as_ref_model_is_the_model_as_it_was_given(
    give, build_trainer, load_tiny, form, wrapped, peft
):
    model = load_tiny() if form == "whole" else give("loaded")
    given = {"model": model, "ref_model": model if wrapped else model.model}
    given |= {"peft_config": peft.build()} if peft else {}
    trainer = build_trainer(given, reference_cache=None, max_steps=2, learning_rate=1e-2)
    trainer.train()
    assert read_curve(trainer)[0] == LN2
    assert read_curve(trainer)[1] != LN2


def test_a_ref_model_that_would_move_along_is_refused(give, build_trainer):
    model = give("object")
    with pytest.raises(ModelError, match="shares weights"):
        build_trainer({"model": model, "ref_model": model.get_base_model()})
    with pytest.raises(ModelError, match="ref_model: str; expected a model that is loaded"):
        build_trainer({"ref_model": "owner/name"})


@pytest.mark.parametrize("peft", [None, NEW], ids=["continued", "new"])
def test_a_resumed_run_keeps_the_adapter_that_it_began_with(give, build_trainer, tmp_path, peft):
    options = {"learning_rate": 1e-2, "save_strategy": "steps", "save_steps": 2, "reference_cache": None}

    def build():
        new = {"peft_config": peft.build()} if peft else {}
        return build_trainer({"model": give("folder"), **new}, **options)

    whole = build()
    whole.train()
    curve, weights = read_curve(whole), load_file(tmp_path / "out" / "checkpoint-6" / "adapter_model.safetensors")
    for step in (4, 6):
        shutil.rmtree(tmp_path / "out" / f"checkpoint-{step}")
    resumed = build()
    resumed.train(resume_from_checkpoint=True)
    assert read_curve(resumed) == curve
    found = load_file(tmp_path / "out" / "checkpoint-6" / "adapter_model.safetensors")
    assert all(torch.equal(value, weights[name]) for name, value in found.items())


def test_a_run_is_not_resumed_on_other_weights_under_the_same_name(build_trainer, tiny_folder, tmp_path):
    options = {"save_strategy": "steps", "save_steps": 2, "max_steps": 2, "reference_cache": None}
    for peft in ({}, {"peft_config": NEW.build()}):
        out = {"output_dir": str(tmp_path / f"out{len(peft)}")}
        save_tuned(tiny_folder, tmp_path / "a")
        build_trainer({"model": str(tmp_path / "a"), **peft}, **options, **out).train()
        save_tuned(tiny_folder, tmp_path / "a", LoraConfig(r=4, lora_alpha=99, target_modules=LORA_TARGETS))
        with pytest.raises(ConfigError, match="other weights than those of"):
            build_trainer({"model": str(tmp_path / "a"), **peft}, **options, **out)


@pytest.mark.slow
def test_a_model_that_was_merged_in_memory_is_written(give, build_trainer, load_tiny, tmp_path):
    """It still has the name of the base that it was loaded from."""
    merged = give("object").merge_and_unload()
    processor = load_tiny().processor
    given = {"model": merged, "processing_class": processor}
    trainer = build_trainer({**given, "peft_config": NEW.build()}, learning_rate=1e-2)
    assert "was written" in trainer.start
    trainer.train()
    trainer.save_model(str(tmp_path / "out" / "model"))
    assert_loads_as_it_was_trained(trainer, tmp_path / "out" / "model")


def test_a_model_without_a_name_is_written_and_its_own_adapter_refused(build_trainer, load_tiny, tiny_folder, tmp_path):
    loaded = load_tiny()
    model = LlavaForConditionalGeneration(loaded.model.config)
    model.load_state_dict(loaded.model.state_dict())
    model.name_or_path = model.config._name_or_path = ""
    given = {"model": model, "processing_class": loaded.processor}
    trainer = build_trainer({**given, "peft_config": NEW.build()}, max_steps=1)
    trainer.train()
    trainer.save_model(str(tmp_path / "out" / "model"))
    assert_loads_as_it_was_trained(trainer, tmp_path / "out" / "model")
    with quiet_transformers():
        adapted = get_peft_model(load_tiny().model, NEW.build())
    for name, value in adapted.named_parameters():
        if name.endswith("layers.1.mlp.down_proj.base_layer.weight"):
            value.data.add_(0.1)
    with pytest.raises(ModelError, match="write the base with save_pretrained"):
        build_trainer({"model": adapted, "processing_class": loaded.processor})


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (LoraConfig(r=2, target_modules=LORA_TARGETS, init_lora_weights="pissa"), "init_lora_weights='pissa'"),
        (PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2), "type PROMPT_TUNING"),
    ],
)
def test_new_adapters_that_would_not_load_as_they_were_are_refused(build_trainer, config, words):
    with pytest.raises(ConfigError, match=words):
        build_trainer({"peft_config": config})


def test_parts_beside_an_adapter_that_learns_on_are_refused(give, build_trainer):
    with pytest.raises(ConfigError, match="adapters alone"):
        build_trainer({"model": give("folder")}, train_projector=True)


def test_several_adapters_are_refused(give, build_trainer, tuned):
    model = give("object")
    with quiet_transformers():
        model.load_adapter(tuned, adapter_name="other")
    model.set_adapter("other")
    with pytest.raises(ModelError, match="'other'; expected one adapter in use"):
        build_trainer({"model": model})


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"lora_dropout": 0.1},
        {"bias": "lora_only"},
        {"modules_to_save": ["lm_head"]},
        {"rank_pattern": {"q_proj": 8}},
    ],
    ids=lambda options: next(iter(options)),
)
@pytest.mark.parametrize("new", [False, True], ids=["continued", "new"])
def test_kinds_of_adapters(build_trainer, tiny_folder, tmp_path, options, new):
    config = LoraConfig(r=4, lora_alpha=16, target_modules=LORA_TARGETS, **options)
    model = str(save_tuned(tiny_folder, tmp_path / "kind", config))
    peft = {"peft_config": NEW.build()} if new else {}
    trainer = build_trainer({"model": model, **peft}, reference_cache=None, learning_rate=1e-2, max_steps=2)
    trainer.train()
    assert read_curve(trainer)[0] == LN2
    assert read_curve(trainer)[1] != LN2
    trainer.save_model(str(tmp_path / "out" / "model"))
    assert_loads_as_it_was_trained(trainer, tmp_path / "out" / "model")


@pytest.mark.slow
@pytest.mark.parametrize("new", [False, True], ids=["continued", "new"])
def test_tokens_that_an_adapter_adds_stay(build_trainer, load_tiny, tmp_path, new):
    loaded = load_tiny()
    loaded.processor.tokenizer.add_tokens(["<mark>"])
    loaded.model.resize_token_embeddings(len(loaded.processor.tokenizer), mean_resizing=False)
    with quiet_transformers():
        model = get_peft_model(loaded.model, LoraSettings(r=2).build())
        move_adapter(model)
        model.save_pretrained(tmp_path / "adapter", save_embedding_layers=True)
    loaded.processor.tokenizer.save_pretrained(tmp_path / "adapter")
    peft = {"peft_config": NEW.build()} if new else {}
    trainer = build_trainer({"model": str(tmp_path / "adapter"), **peft}, max_steps=2, learning_rate=1e-2)
    trainer.train()
    assert read_curve(trainer)[0] == LN2
    trainer.save_model(str(tmp_path / "out" / "model"))
    again = load_model(ModelSettings(str(tmp_path / "out" / "model")))
    assert "<mark>" in again.processor.tokenizer.get_vocab()
    assert torch.equal(score(trainer, prepared(again.model, trainer)), score(trainer, trainer.model))


@pytest.fixture
def overrides(image_folder, records, tmp_path):
    write_records(tmp_path / "records.jsonl", records)
    shared = ["logging_steps=1", "disable_tqdm=true", "use_cpu=true", "learning_rate=1e-2", "records_per_step=4"]
    return [f"data={tmp_path / 'records.jsonl'}", f"image_root={image_folder}", "max_steps=2", *shared]


@pytest.mark.slow
@pytest.mark.parametrize("second", ["ddpo-lora", "dpo", "conditional-dpo"])
def test_the_packaged_recipes_work_one_after_another(overrides, tiny_folder, tmp_path, monkeypatch, second):
    """Fine-tuning, then alignment, also where paths are relative; the folder of the runs may move."""
    monkeypatch.chdir(tmp_path)
    Path("base").symlink_to(tiny_folder)
    first = train(load_settings(SftRun, "sft-lora", [*overrides, "model.name=base", "out=runs/sft"]))
    options = ["lora.r=4"] if second == "conditional-dpo" else []
    stated = [*overrides, *options, f"model.name={first.model}", "out=runs/two"]
    result = train(load_settings(TrainRun, second, stated))
    lines = [json.loads(line) for line in (result.out / "log.jsonl").read_text().splitlines()]
    assert lines[0]["drift/chosen"] == pytest.approx(0, abs=1e-6)
    assert lines[0]["loss/preference"] == LN2 if second == "ddpo-lora" else True
    assert result.start
    assert json.loads((result.out / "result.json").read_text())["start"] == result.start
    assert train(load_settings(TrainRun, second, stated)).start == result.start  # read back
    assert find_start(str(result.model)) == (str(tmp_path / "runs/two/start") if second == "dpo" else None)
    weights = load_model(ModelSettings(str(result.model))).model.state_dict()
    monkeypatch.chdir("/")
    Path(tmp_path / "runs").rename(tmp_path / "moved")
    moved = load_model(ModelSettings(str(tmp_path / "moved" / "two" / "model"))).model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in moved.items())


@pytest.mark.slow
def test_fine_tuning_goes_on_from_an_adapter(overrides, tuned, tmp_path):
    for name, lora in (("on", "lora=null"), ("new", "lora.r=2")):
        stated = [*overrides, lora, f"model.name={tuned}", f"out={tmp_path / name}"]
        result = train(load_settings(SftRun, "sft-lora", stated))
        assert result.metrics["loss"] > 0
        load_model(ModelSettings(str(result.model)))
