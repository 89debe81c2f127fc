"""Which records a run of few steps uses: only those are scored by the reference, and only those are counted."""

from __future__ import annotations

import pytest

from errata.data import LoadedRecords, Portion
from errata.errors import ConfigError
from errata.training.sampler import StepSampler


def walk(sampler: StepSampler, steps: int) -> list[int]:
    """The records of the first so many steps, as the sampler deals them out."""
    drawn, left, epoch = [], steps, 0
    while left:
        sampler.epoch = epoch
        for (batch,) in list(sampler)[:left]:
            drawn += batch.records
            left -= 1
        epoch += 1
    return drawn


@pytest.mark.parametrize("portions", [(), (Portion(4, 1.5), Portion(9, 0.5))], ids=["once", "mixture"])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("steps", [1, 3, 4, 5, 11])
def test_what_is_used_is_known_beforehand(steps, drop_last, portions):
    sampler = StepSampler(range(13), records_per_step=3, seed=5, drop_last=drop_last, portions=portions)
    used, count = sampler.find_used(steps), sampler.count_drawn(steps)
    drawn = walk(sampler, steps)
    assert used == set(drawn)
    assert count == len(drawn)


def count_scored(trainer) -> int:
    return sum(reference is not None for reference in trainer.train_dataset.references)


@pytest.mark.parametrize(("steps", "scored"), [(1, 4), (2, 8), (3, 12), (5, 12)])
def test_the_reference_scores_what_the_steps_use(build_trainer, steps, scored):
    trainer = build_trainer(max_steps=steps)
    trainer.train()
    assert count_scored(trainer) == scored
    assert trainer.state.log_history[0]["loss"] == pytest.approx(0.6931, abs=1e-3)


def test_a_longer_run_from_the_same_cache_scores_the_rest_and_learns_the_same(build_trainer, tmp_path):
    losses = []
    for folder, steps in (("first", 1), ("second", 3), ("third", 3)):
        cache = tmp_path / ("alone" if folder == "third" else "shared")
        trainer = build_trainer(output_dir=str(tmp_path / folder), max_steps=steps, reference_cache=str(cache))
        trainer.train()
        losses.append([line["loss"] for line in trainer.state.log_history if "loss" in line])
    assert losses[1] == pytest.approx(losses[2], abs=1e-6)


def test_records_that_the_reference_never_saw_are_not_evaluated_against_a_policy_that_moved(build_trainer):
    trainer = build_trainer(max_steps=1)
    trainer.train()
    with pytest.raises(ConfigError, match="scored before training"):
        trainer.evaluate(trainer.train_dataset)


def test_the_speed_counts_the_records_of_steps_and_no_batch_size(build_trainer):
    trainer = build_trainer(max_steps=2, per_device_train_batch_size=64)
    metrics = trainer.train().metrics
    assert metrics["train_samples_per_second"] * metrics["train_runtime"] == pytest.approx(8, rel=0.02)


@pytest.mark.parametrize("size", [13, 100])
def test_a_run_without_a_step_is_refused(build_trainer, size):
    trainer = build_trainer(records_per_step=size, dataloader_drop_last=True)
    with pytest.raises(ConfigError, match=rf"dataloader_drop_last: 12 records an epoch.*one step of {size}"):
        trainer.train()


def test_the_last_smaller_step_is_dropped_where_it_is_not_all(build_trainer, records, image_folder):
    data = LoadedRecords(records[:5], image_folder)
    trainer = build_trainer({"train_dataset": data}, dataloader_drop_last=True, num_train_epochs=1)
    assert trainer.train().global_step == 1


def test_the_only_step_has_no_warm_up(build_trainer):
    trainer = build_trainer(max_steps=1, warmup_steps=0.1)
    before = next(p for p in trainer.model.parameters() if p.requires_grad).clone()
    trainer.train()
    assert not next(p for p in trainer.model.parameters() if p.requires_grad).equal(before)
    assert trainer.state.log_history[0]["learning_rate"] == 1e-3


def test_progress_is_told_of_every_stage(build_trainer, records, image_folder):
    seen: list[tuple[str, int, int]] = []
    data = LoadedRecords(records[:3], image_folder)
    trainer = build_trainer(
        {"on_progress": lambda *told: seen.append(told), "eval_dataset": data},
        max_steps=2,
        eval_strategy="steps",
        eval_steps=1,
        per_device_eval_batch_size=1,
    )
    trainer.train()
    last = {what: (done, total) for what, done, total in seen}
    assert last == {
        "encoding": (3, 3),
        "self-check": (1, 1),
        "reference": (3, 3),
        "training": (2, 2),
        "evaluation": (3, 3),
    }
    assert ("encoding", 12, 12) in seen
    assert ("reference", 8, 8) in seen
    assert seen.count(("evaluation", 3, 3)) == 2
