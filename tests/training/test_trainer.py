"""The trainer: what the loss is, and what may not change it."""

from __future__ import annotations

import pytest
import torch
from peft import PeftModel
from transformers import AutoProcessor, LlavaForConditionalGeneration

from errata.data import LoadedRecords
from errata.errors import ConfigError, DataError, ModelError, StorageError
from errata.records import Record, Response, Turn
from errata.training import LoraSettings
from training_checks import largest_difference, read_curve, read_weights

GOLDEN = [0.693147, 0.692360, 0.660957, 0.586270, 0.578473, 0.623733]
"""The loss curve of the tiny model with `ddpo`; a change of it is a change of results, to be explained."""


def test_golden_curve_and_averages_in_the_log(build_trainer):
    trainer = build_trainer(objective="ddpo")
    trainer.train()
    assert read_curve(trainer) == pytest.approx(GOLDEN, abs=2e-4)
    first, *_, last = (line for line in trainer.state.log_history if "loss" in line)
    assert first["rewards/margins"] == pytest.approx(0.0, abs=1e-3)  # the policy starts as the reference
    assert last["rewards/margins"] == pytest.approx(last["rewards/chosen"] - last["rewards/rejected"], abs=0.1)
    assert {"rewards/accuracies", "logps/chosen", "logps/rejected", "grad_norm"} <= set(last)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_tokens_per_row": 80},
        {"gradient_accumulation_steps": 3},
        {"gradient_accumulation_steps": 2, "max_tokens_per_row": 80, "logps_chunk_tokens": 5},
        {"reference_cache": None},
        {"activation_checkpointing": True},
    ],
    ids=lambda settings: "+".join(settings),
)
@pytest.mark.parametrize("objective", ["ddpo", "mdpo"])
def test_rows_accumulation_and_cache_change_nothing(build_trainer, settings, objective):
    # SGD, as Adam makes large steps of rounding errors where a gradient is nearly zero.
    common = {"objective": objective, "optim": "sgd", "learning_rate": 0.05, "records_per_step": 5}
    plain, other = build_trainer(**common), build_trainer(**common | settings)
    plain.train()
    other.train()
    assert read_curve(other) == pytest.approx(read_curve(plain), abs=1e-5)
    assert largest_difference(plain.model, other.model) < 1e-5


def test_bfloat16_passes_stay_near_float32(build_trainer):
    trainer = build_trainer(objective="ddpo", bf16=True)
    trainer.train()
    assert read_curve(trainer) == pytest.approx(GOLDEN, abs=0.05)
    assert {parameter.dtype for parameter in trainer.model.parameters()} == {torch.float32}


def test_sft_needs_no_reference_and_no_worse_response(build_trainer):
    trainer = build_trainer(objective="sft")
    trainer.train()
    curve = read_curve(trainer)
    assert curve[-1] < curve[0]
    assert trainer.train_dataset.references is None
    assert all(len(record.sample.responses) == 1 for record in trainer.train_dataset.records)


def test_evaluation_is_exact_over_uneven_batches(build_trainer, records, image_folder):
    data = LoadedRecords(records[:7], image_folder)
    values = []
    for size in (1, 3, 7):
        trainer = build_trainer({"eval_dataset": data}, objective="mdpo", per_device_eval_batch_size=size)
        with torch.no_grad():
            for parameter in trainer.model.model.language_model.parameters():
                parameter.add_(0.01)  # so that it differs from the reference, which is the model as evaluated first
        trainer.train_dataset.references = None
        values.append(trainer.evaluate())
    for other in values[1:]:
        assert other["eval_loss"] == pytest.approx(values[0]["eval_loss"], abs=1e-5)
    assert {"eval_rewards/accuracies", "eval_rewards/margins"} <= set(values[0])


def test_evaluation_during_training_compares_with_the_first_weights(build_trainer, records, image_folder):
    data = LoadedRecords(records, image_folder)
    trainer = build_trainer({"eval_dataset": data}, objective="ddpo", eval_strategy="epoch")
    trainer.train()
    lines = [line for line in trainer.state.log_history if "eval_loss" in line]
    assert len(lines) == 2
    assert lines[1]["eval_loss"] < lines[0]["eval_loss"] < 0.6932
    assert lines[1]["eval_rewards/margins"] > lines[0]["eval_rewards/margins"] > 0


def test_new_records_after_training_are_refused_unless_a_reference_is_left(build_trainer, records, image_folder):
    data = LoadedRecords(records[:4], image_folder)
    trainer = build_trainer()
    trainer.train()
    with pytest.raises(ConfigError, match="pass ref_model"):
        trainer.evaluate(data)
    for left in ({"reference_cache": None}, {"trainer": {"peft_config": LoraSettings(r=4).build()}}):
        trainer = build_trainer(**left)
        trainer.train()
        assert trainer.evaluate(data)["eval_loss"] < 0.6931


def test_the_reference_is_read_back(build_trainer, monkeypatch):
    first = build_trainer(objective="ddpo")
    first.train()
    second = build_trainer(objective="ddpo")
    monkeypatch.setattr(second._reference, "_compute", lambda *_: pytest.fail("computed again"))
    second.train()
    assert read_curve(first) == read_curve(second)


def test_a_reference_under_autocast_is_refused_without_it(build_trainer, tmp_path):
    shared = str(tmp_path / "shared")
    build_trainer(objective="ddpo", bf16=True, reference_cache=shared, max_steps=1).train()
    with pytest.raises(ConfigError, match=r"differs in autocast \(bfloat16, now None\)"):
        build_trainer(objective="ddpo", reference_cache=shared, max_steps=1).train()
    build_trainer(objective="mdpo", bf16=True, reference_cache=shared, max_steps=1).train()


def test_the_vision_side_stays_frozen_unless_asked(build_trainer):
    trainer = build_trainer(train_projector=True)
    before = read_weights(trainer.model)
    trainer.train()
    changed = {name for name, value in trainer.model.state_dict().items() if not torch.equal(value, before[name])}
    assert any("language_model" in name for name in changed)
    assert any("multi_modal_projector" in name for name in changed)
    assert not any("vision_tower" in name for name in changed)


def test_full_weights_load_in_transformers(build_trainer, tmp_path):
    trainer = build_trainer()
    trainer.train()
    trainer.save_model(str(tmp_path / "saved"))
    loaded = LlavaForConditionalGeneration.from_pretrained(tmp_path / "saved")
    assert largest_difference(trainer.model, loaded) == 0
    assert AutoProcessor.from_pretrained(tmp_path / "saved").tokenizer is not None


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # PEFT's loading
def test_lora_trains_the_language_model_alone_and_loads_in_peft(build_trainer, tiny_folder, tmp_path):
    trainer = build_trainer({"peft_config": LoraSettings(r=4).build()}, objective="ddpo", learning_rate=1e-2)
    names = [name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad]
    assert len(names) == 2 * 7 * 2  # two matrices for each of seven projections of two layers
    assert all("language_model" in name for name in names)
    trainer.train()
    assert read_curve(trainer)[-1] < 0.69
    trainer.save_model(str(tmp_path / "adapter"))
    base = LlavaForConditionalGeneration.from_pretrained(tiny_folder)
    loaded = PeftModel.from_pretrained(base, tmp_path / "adapter")
    assert largest_difference(trainer.model, loaded) == 0


def test_lora_reference_is_the_model_without_adapter(build_trainer):
    lora = {"peft_config": LoraSettings(r=4).build()}
    options = {"objective": "ddpo", "optim": "sgd", "learning_rate": 0.5}
    cached, live = build_trainer(lora, **options), build_trainer(lora, **options, reference_cache=None)
    cached.train()
    live.train()
    assert read_curve(cached) == pytest.approx(read_curve(live), abs=1e-5)
    assert read_curve(cached)[-1] < 0.69


def test_another_model_can_be_the_reference(build_trainer, load_tiny):
    reference = load_tiny().model
    with torch.no_grad():
        reference.lm_head.weight.mul_(1.5)
    cached = build_trainer({"ref_model": reference}, learning_rate=0.0)
    live = build_trainer({"ref_model": reference}, learning_rate=0.0, reference_cache=None)
    cached.train()
    live.train()
    assert read_curve(cached) == pytest.approx(read_curve(live), abs=1e-4)
    assert abs(read_curve(cached)[0] - 0.6931) > 1e-3


QUESTION = (Turn("user", "What is on the table?"),)


def answer(text: str, level: int) -> Response:
    return Response((Turn("assistant", text),), level)


def test_a_record_over_a_limit_is_set_aside_and_never_cut(build_trainer, records, image_folder):
    long = Record("long", (), QUESTION, (answer("Yes.", 0), answer("No. " * 99, 1)))
    data = LoadedRecords([long, *records], image_folder)
    trainer = build_trainer({"train_dataset": data}, max_length=64)
    assert [row.id for row in trainer.set_aside] == ["long"]
    assert "max_length is 64" in trainer.set_aside[0].reason
    assert len(trainer.train_dataset) == len(records)
    lengths = trainer.train_dataset.lengths
    trainer = build_trainer({"train_dataset": data}, max_tokens_per_row=max(lengths))
    assert "max_tokens_per_row is" in trainer.set_aside[0].reason
    assert trainer.train_dataset.lengths == lengths
    with pytest.raises(DataError, match=r"none of 1; the first because .*max_length is 64"):
        build_trainer({"train_dataset": LoadedRecords([long], image_folder)}, max_length=64)


def test_a_record_without_a_usable_pair_stops_or_is_set_aside(build_trainer, records, image_folder):
    tie = Record("tie", (), QUESTION, (answer("Yes.", 0), answer("No.", 0)))
    data = LoadedRecords([tie, *records], image_folder)
    with pytest.raises(DataError, match="record 'tie': responses: nothing to compare, as all have level 0"):
        build_trainer({"train_dataset": data})
    trainer = build_trainer({"train_dataset": data}, skip_bad=True)
    assert [row.id for row in trainer.set_aside] == ["tie"]
    assert "nothing to compare" in trainer.set_aside[0].reason
    assert build_trainer({"train_dataset": data}, objective="sft").set_aside == []


def test_a_response_whose_tokens_are_all_masked_stops_or_is_set_aside(build_trainer, load_tiny, records, image_folder):
    loaded = load_tiny()
    encode = loaded.adapter.encode_response

    def masked(prompt, turns):
        encoded = encode(prompt, turns)
        if turns[0].text == "Masked.":
            encoded.is_response[:] = [False] * len(encoded.is_response)
        return encoded

    loaded.adapter.encode_response = masked
    bad = Record("masked", (), QUESTION, (answer("Yes.", 0), answer("Masked.", 1)))
    arguments = {"model": loaded, "train_dataset": LoadedRecords([bad, *records], image_folder)}
    with pytest.raises(DataError, match="record 'masked': response 1: none: all are masked"):
        build_trainer(arguments)
    trainer = build_trainer(arguments, skip_bad=True)
    assert [row.id for row in trainer.set_aside] == ["masked"]


def test_a_missing_image_stops_or_is_set_aside(build_trainer, records, image_folder):
    lost = Record("lost", ("lost.png",), records[0].prompt, records[0].responses)
    data = LoadedRecords([lost, *records], image_folder)
    with pytest.raises(DataError, match=r"record 'lost': .*lost\.png"):
        build_trainer({"train_dataset": data})
    trainer = build_trainer({"train_dataset": data}, skip_bad=True)
    assert [row.id for row in trainer.set_aside] == ["lost"]


def test_rows_of_trl_that_cannot_be_used_are_set_aside_too(build_trainer, image_folder):
    def row(image: str) -> dict:
        answers = {"chosen": "A red cup.", "rejected": "A dog."}
        turns = {name: [{"role": "assistant", "content": text}] for name, text in answers.items()}
        return {"images": [image], "prompt": [{"role": "user", "content": "What is it?"}], **turns}

    rows = [row(str(next(image_folder.iterdir()))), row(str(image_folder / "lost.png"))]
    with pytest.raises(DataError, match=r"row 2: .*lost\.png"):
        build_trainer({"train_dataset": rows})
    trainer = build_trainer({"train_dataset": rows}, skip_bad=True)
    assert [aside.id for aside in trainer.set_aside] == ["row 2"]
    assert len(trainer.train_dataset) == 1


def test_a_full_disk_keeps_the_last_checkpoint(build_trainer, tmp_path, monkeypatch):
    trainer = build_trainer(save_strategy="steps", save_steps=2)
    saved = trainer.model.save_pretrained

    def save(folder, **options):
        if str(folder).endswith("checkpoint-4"):
            raise OSError(28, "No space left on device")
        return saved(folder, **options)

    monkeypatch.setattr(trainer.model, "save_pretrained", save)
    with pytest.raises(StorageError, match="No space left"):
        trainer.train()
    assert [path.name for path in (tmp_path / "out").glob("checkpoint-*")] == ["checkpoint-2"]


def test_bad_arguments_are_named(build_trainer, records, load_tiny):
    with pytest.raises(ModelError, match="int"):
        build_trainer({"model": 3})
    loaded = load_tiny()
    with pytest.raises(ModelError, match="processing_class"):
        build_trainer({"model": loaded.model, "processing_class": loaded.processor.tokenizer})
    with pytest.raises(DataError, match="it twice"):
        build_trainer({"train_dataset": [records[0], records[0]]})
    with pytest.raises(ConfigError, match="dropout"):
        build_trainer({"peft_config": LoraSettings(r=4, dropout=0.1).build()})
    with pytest.raises(ConfigError, match="modules_to_save"):
        build_trainer({"peft_config": LoraSettings(r=4).build()}, train_projector=True)
    with pytest.raises(ConfigError, match="resume_from_checkpoint"):
        build_trainer().train(resume_from_checkpoint=True)
