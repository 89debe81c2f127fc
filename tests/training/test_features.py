"""A tower that does not learn runs once per image, and everything comes out the same."""

from __future__ import annotations

import pytest
import torch

from errata.training import LoraSettings
from training_checks import largest_difference, read_curve


def count_images(trainer, monkeypatch):
    """The names of the images that the tower sees, in order."""
    seen = []
    original = trainer.adapter.image_features

    def record(model, images):
        seen.extend(image.name for image in images)
        return original(model, images)

    monkeypatch.setattr(trainer.adapter, "image_features", record)
    return seen


@pytest.mark.parametrize("lora", [False, True])
def test_each_image_is_seen_once_and_the_weights_are_the_same(build_trainer, monkeypatch, lora):
    trainers = []
    for memory in (1024, 0):
        peft = {"peft_config": LoraSettings(r=4).build()} if lora else {}
        trainers.append(build_trainer(trainer=peft, image_memory_mb=memory, num_train_epochs=3, self_check=False))
        seen = count_images(trainers[-1], monkeypatch)
        trainers[-1].train()
        distinct = set(seen)
        assert len(distinct) == 4
        assert (len(seen) == 4) is (memory > 0)
    remembered, plain = trainers
    assert read_curve(remembered) == pytest.approx(read_curve(plain), abs=1e-5)
    assert largest_difference(remembered.model, plain.model) <= 1e-5


@pytest.mark.parametrize("part", ["train_projector", "train_vision"])
def test_a_side_that_learns_runs_for_every_row(build_trainer, monkeypatch, part):
    trainer = build_trainer(self_check=False, **{part: True})
    before = [p.clone() for name, p in trainer.model.named_parameters() if "language" not in name and p.requires_grad]
    seen = count_images(trainer, monkeypatch)
    trainer.train()
    after = [p for name, p in trainer.model.named_parameters() if "language" not in name and p.requires_grad]
    assert len(seen) > 4
    assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_what_was_used_longest_ago_is_dropped(build_trainer, monkeypatch):
    trainer = build_trainer(self_check=False)
    features = trainer._features
    data = trainer.train_dataset
    (row,) = data.build_rows([0])
    one = features.fill(trainer.model, row).images[0].features
    features._room = one.nbytes * 2
    seen = count_images(trainer, monkeypatch)
    for number in (1, 2, 3, 0):  # one image each; two have room
        for built in data.build_rows([number]):
            features.fill(trainer.model, built)
    assert len(seen) == 4
    assert features._held == 2 * one.nbytes == sum(known.nbytes for known in features._known.values())


def test_another_reference_model_s_images_are_its_own(build_trainer, load_tiny):
    other = load_tiny().model
    with torch.no_grad():
        for parameter in other.model.vision_tower.parameters():
            parameter.add_(0.3)
    live = build_trainer(trainer={"ref_model": other}, reference_cache=None, self_check=False)
    live.train()
    plain = build_trainer(trainer={"ref_model": other}, reference_cache=None, self_check=False, image_memory_mb=0)
    plain.train()
    assert read_curve(live) == pytest.approx(read_curve(plain), abs=1e-5)


def test_what_an_image_becomes_depends_on_no_other(build_trainer, monkeypatch):
    """Larger passes round otherwise; which images are new in a row depends on what the run has seen before."""
    trainer = build_trainer(self_check=False)
    original = trainer.adapter.image_features

    def round_otherwise(model, images):
        return [feature + 1e-3 * (len(images) - 1) for feature in original(model, images)]

    monkeypatch.setattr(trainer.adapter, "image_features", round_otherwise)
    (row,) = trainer.train_dataset.build_rows(range(4))
    together = [image.features for image in trainer._features.fill(trainer.model, row).images]
    alone = [round_otherwise(trainer.model, [image])[0] for image in row.images]
    assert len(row.images) > 1
    assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))
