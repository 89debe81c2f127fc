"""`conditional-dpo` from records to steps: the corrupted image, its scores and what may not change them."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import logsigmoid

from errata.config import load_settings
from errata.data import DataPart, LoadedRecords, load_mixture
from errata.errors import DataError
from errata.images import corrupt_image, open_image
from errata.records import write_records
from errata.training import TrainRun, train
from training_checks import largest_difference, read_curve

SGD = {"objective": "conditional-dpo", "optim": "sgd", "learning_rate": 0.02, "records_per_step": 5}


def test_a_run_learns_to_tell_the_images_apart(build_trainer):
    trainer = build_trainer(objective="conditional-dpo", num_train_epochs=4)
    trainer.train()
    curve = read_curve(trainer)
    assert curve[0] == pytest.approx(3 * math.log(2), abs=1e-4)  # the policy starts as the reference
    assert curve[-1] < 0.8 * curve[0]
    first, *_, last = (line for line in trainer.state.log_history if "loss" in line)
    for term in ("preference", "image", "anchor"):
        assert first[f"loss/{term}"] == pytest.approx(math.log(2), abs=1e-4)
    assert last["rewards/image_margins"] > 0.1
    assert last["rewards/image_accuracies"] > 0.9
    assert last["logps/contrast"] < last["logps/chosen"]


@pytest.mark.parametrize(
    "settings",
    [
        {"max_tokens_per_row": 120},
        {"gradient_accumulation_steps": 3},
        {"reference_cache": None},
        {"self_check": False, "logps_chunk_tokens": 5},
    ],
    ids=lambda settings: "+".join(settings),
)
def test_rows_accumulation_and_cache_change_nothing(build_trainer, settings):
    plain, other = build_trainer(**SGD), build_trainer(**SGD | settings)
    plain.train()
    other.train()
    assert read_curve(other) == pytest.approx(read_curve(plain), abs=1e-5)
    assert largest_difference(plain.model, other.model) < 1e-5


def test_without_its_two_terms_it_is_dpo(build_trainer):
    plain = build_trainer(**SGD | {"objective": "dpo"})
    other = build_trainer(**SGD, image_weight=0.0, anchor="none")
    plain.train()
    other.train()
    assert read_curve(other) == read_curve(plain)
    assert largest_difference(plain.model, other.model) == 0


def plain_score(model, sample, response, pixels):
    """The summed log-prob of a response by an ordinary forward pass of the model."""
    prompt = sample.prompt.input_ids
    ids = torch.tensor([prompt + response.input_ids])
    logits = model(input_ids=ids, pixel_values=pixels[None]).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1).gather(1, ids[0, len(prompt) :, None]).sum()


@pytest.mark.parametrize("rule", ["crop", "noise", "black"])
def test_the_loss_is_the_paper_s_by_ordinary_passes(build_trainer, load_tiny, records, image_folder, rule):
    record = records[1]
    reference = load_tiny().model
    with torch.no_grad():
        reference.lm_head.weight.mul_(1.1)
    weights = {"image_weight": 0.7, "anchor_weight": 0.4, "anchor_margin": 0.2, "beta": 0.05}
    trainer = build_trainer(
        {"train_dataset": LoadedRecords([record], image_folder), "ref_model": reference},
        objective="conditional-dpo",
        image_contrast=rule,
        learning_rate=0.0,
        max_steps=1,
        records_per_step=1,
        **weights,
    )
    trainer.train()
    sample, model = trainer.train_dataset.build_sample(0), trainer.model
    image = open_image(record.images[0], image_folder)
    shown = [trainer.adapter.encode_image(image).pixels]
    key = f"0 {record.id} 0"
    shown.append(trainer.adapter.encode_image(corrupt_image(image, rule, key)).pixels)
    chosen, rejected = sample.responses
    with torch.no_grad():
        d = [
            plain_score(model, sample, response, pixels) - plain_score(reference, sample, response, pixels)
            for response, pixels in ((chosen, shown[0]), (rejected, shown[0]), (chosen, shown[1]))
        ]
    expected = (
        -logsigmoid(0.05 * (d[0] - d[1])) - 0.7 * logsigmoid(0.05 * (d[0] - d[2])) - 0.4 * logsigmoid(0.05 * d[0] - 0.2)
    )
    assert read_curve(trainer) == pytest.approx([float(expected)], abs=1e-4)


def test_the_seed_and_the_record_decide_what_is_cropped(build_trainer):
    def corrupted(**settings):
        data = build_trainer(objective="conditional-dpo", **settings).train_dataset
        return [data.build_sample(number).contrast.prompt.images[0].pixels for number in (0, 4, 8)]

    one, same, other = corrupted(), corrupted(), corrupted(seed=1)
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not torch.equal(one[0], one[1])  # records 0, 4 and 8 show the same image


def test_where_the_images_lie_decides_nothing(build_trainer, records, image_folder, tmp_path):
    def corrupted(place):
        shutil.copytree(image_folder, place / "images")
        write_records(place / "mine.jsonl", records)
        data = load_mixture([DataPart(place / "mine.jsonl", image_root=place / "images")], import_dir=place)
        assert str(place) in data.records[0].images[0]
        data = build_trainer({"train_dataset": data}, objective="conditional-dpo").train_dataset
        return [data.build_sample(number).contrast.prompt.images[0].pixels for number in range(len(data))]

    for one, other in zip(corrupted(tmp_path / "here"), corrupted(tmp_path / "there"), strict=True):
        assert torch.equal(one, other)


def test_two_places_of_one_image_are_corrupted_apart(build_trainer, records, image_folder):
    twice = replace(records[0], images=records[0].images * 2)
    data = LoadedRecords([twice], image_folder)
    sample = build_trainer({"train_dataset": data}, objective="conditional-dpo").train_dataset.build_sample(0)
    one, other = sample.contrast.prompt.images
    assert not torch.equal(one.pixels, other.pixels)
    assert sample.prompt.images[0] is sample.prompt.images[1]


def test_the_best_response_keeps_its_weights_under_the_corrupted_image(build_trainer):
    data = build_trainer(objective="ddpo", image_weight=1.0).train_dataset
    assert data.records
    for record in data.records:
        sample = record.sample
        assert sample.contrast.responses == sample.responses[:1]
        assert sample.contrast.token_weights == sample.token_weights[:1]
        assert {1.0, 5.0} == set(sample.contrast.token_weights[0])


def test_limits_count_the_second_tree(build_trainer):
    lengths = build_trainer(objective="conditional-dpo").train_dataset.lengths
    trainer = build_trainer(objective="conditional-dpo", max_tokens_per_row=max(lengths) - 1)
    assert trainer.set_aside
    assert f"{max(lengths)} tokens with all its responses" in trainer.set_aside[0].reason


def test_a_record_without_an_image_is_named(build_trainer, records, image_folder):
    data = LoadedRecords([replace(records[0], id="blind", images=()), *records], image_folder)
    with pytest.raises(DataError, match="record 'blind': images: a prompt of text alone; expected an image"):
        build_trainer({"train_dataset": data}, objective="conditional-dpo")
    trainer = build_trainer({"train_dataset": data}, objective="conditional-dpo", skip_bad=True)
    assert [row.id for row in trainer.set_aside] == ["blind"]
    assert len(trainer.train_dataset) == len(records)


def test_evaluation_measures_the_image_too(build_trainer, records, image_folder):
    data = LoadedRecords(records[:5], image_folder)
    trainer = build_trainer({"eval_dataset": data}, objective="conditional-dpo")
    metrics = trainer.evaluate()
    assert metrics["eval_loss"] == pytest.approx(3 * math.log(2), abs=1e-4)
    assert metrics["eval_rewards/image_margins"] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("recipe", ["conditional-dpo", "mdpo-release"])
def test_its_recipe_runs(recipe, tiny_folder, image_folder, records, tmp_path):
    write_records(tmp_path / "records.jsonl", records)
    overrides = [
        f"model.name={tiny_folder}",
        f"data={tmp_path / 'records.jsonl'}",
        f"image_root={image_folder}",
        f"out={tmp_path / 'run'}",
        "records_per_step=4",
        "max_steps=2",
        "lora.r=4",
        "disable_tqdm=true",
        "use_cpu=true",
    ]
    assert train(load_settings(TrainRun, recipe, overrides)).steps == 2
