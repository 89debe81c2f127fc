"""A run whose loss is no number or explodes stops before the optimiser, and names the records."""

from __future__ import annotations

import math

import pytest
import torch

from errata.errors import ConfigError
from errata.objectives import build_objective
from errata.training import DivergedError
from errata.training.divergence import StopOnDivergence, default_max_loss
from training_checks import read_curve, read_weights


def spoil(trainer, record: str, value: float):
    """Make the policy's log-probs of one record's tokens this number, with a gradient behind them."""
    compute = trainer._compute_logps

    def computed(model, row):
        logps = compute(model, row)
        if not torch.is_grad_enabled():
            return logps
        scales = torch.ones_like(logps)
        for sample, (start, levels) in zip(row.samples, row.records, strict=True):
            if sample.id == record:
                scales[(row.response_index >= start) & (row.response_index < start + len(levels) - 1)] = value
        return logps * scales

    trainer._compute_logps = computed


@pytest.mark.parametrize("settings", [{}, {"gradient_accumulation_steps": 3}, {"max_tokens_per_row": 80}])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_names_the_record_first_and_all_of_the_step(build_trainer, settings, value):
    trainer = build_trainer(records_per_step=4, **settings)
    spoil(trainer, "r5", value)
    with pytest.raises(DivergedError, match=r"step \d: a loss that is NaN or infinite \(records 'r5', 'r") as caught:
        trainer.train()
    order = trainer._get_train_sampler()
    step = trainer.state.global_step
    numbers = order._draw_order()[4 * step : 4 * step + 4]
    assert sorted(caught.value.records) == sorted(f"r{number}" for number in numbers)
    assert all(value.isfinite().all() for value in trainer.model.state_dict().values())


def test_a_run_that_stops_keeps_its_last_checkpoint(build_trainer, tmp_path):
    trainer = build_trainer(save_strategy="steps", save_steps=1, num_train_epochs=1)
    last = f"r{trainer._get_train_sampler()._draw_order()[-1]}"
    spoil(trainer, last, math.nan)
    with pytest.raises(DivergedError, match=f"step 3: .*'{last}'.* the last checkpoint is untouched"):
        trainer.train()
    assert sorted(path.name for path in (tmp_path / "out").glob("checkpoint-*")) == ["checkpoint-1", "checkpoint-2"]


def test_an_exploding_loss_stops_before_the_weights(build_trainer):
    trainer = build_trainer()
    before = read_weights(trainer.model)
    spoil(trainer, "r5", 1e5)
    with pytest.raises(DivergedError, match=r"a loss of \S+ \(records 'r5', .*expected at most \d+.* \(max_loss\)"):
        trainer.train()
    assert trainer.state.global_step > 0 or all(
        torch.equal(value, before[name]) for name, value in trainer.model.state_dict().items()
    )


def test_a_learning_rate_that_is_far_too_high_stops_the_run(build_trainer):
    trainer = build_trainer(learning_rate=1e3, num_train_epochs=4)
    with pytest.raises(DivergedError, match="step 2"):
        trainer.train()


def test_the_limit_can_be_stated_and_lifted(build_trainer):
    with pytest.raises(DivergedError, match=r"step 1: a loss of 0\.6931 .*at most 0\.5"):
        build_trainer(max_loss=0.5).train()
    lifted = build_trainer(max_loss=math.inf, num_train_epochs=1)
    spoil(lifted, "r5", 1e5)
    lifted.train()
    assert max(read_curve(lifted)) > 1e3
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ConfigError, match="max_loss"):
            build_trainer(max_loss=wrong)


def test_the_default_limit_by_hand():
    fallen = 4 * math.log(1000)
    assert default_max_loss(build_objective("sft"), 1000, 10) == pytest.approx(
        fallen * (1 if build_objective("sft").reduction == "mean" else 10)
    )
    dpo = default_max_loss(build_objective("dpo", beta=0.1), 1000, 10)
    assert dpo == pytest.approx(0.1 * 10 * fallen, rel=1e-4)  # -log sigmoid(-x) is x for a large x
    assert default_max_loss(build_objective("ddpo", beta=0.5), 1000, 10) == pytest.approx(0.5 * fallen, rel=1e-4)
    anchored = build_objective("dpo", beta=0.1, anchor="clamped", anchor_weight=2.0)
    assert default_max_loss(anchored, 1000, 10) == pytest.approx(dpo + 2 * 10 * fallen, rel=1e-4)


@pytest.mark.parametrize("objective", ["dpo", "ddpo", "mdpo", "ipo", "hinge", "simpo", "sft"])
def test_a_healthy_run_is_far_from_its_limit(build_trainer, objective):
    trainer = build_trainer(objective=objective, records_per_step=1, num_train_epochs=4)
    trainer.train()
    assert max(read_curve(trainer)) < trainer._divergence.max_loss / 2


def test_a_gradient_that_is_no_number_names_the_records_too(build_trainer):
    trainer = build_trainer()
    before = read_weights(trainer.model)
    trainer.model.lm_head.weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(DivergedError, match=r"step 1: a gradient that is NaN or infinite \(records 'r") as caught:
        trainer.train()
    assert len(caught.value.records) == 4
    assert all(torch.equal(value, before[name]) for name, value in trainer.model.state_dict().items())


def test_an_evaluation_that_is_no_number_names_the_records(build_trainer, records, image_folder):
    trainer = build_trainer({"eval_dataset": records[:3]}, image_root=str(image_folder))
    with torch.no_grad():
        trainer.model.lm_head.weight.fill_(math.nan)
    trainer.eval_dataset.references = [torch.zeros(99)[: sum(row.target_lengths)] for row in rows_of(trainer)]
    with pytest.raises(DivergedError, match="evaluation at step 0: a loss that is NaN") as caught:
        trainer.evaluate()
    assert sorted(caught.value.records) == ["r0", "r1", "r2"]


def rows_of(trainer):
    data = trainer.eval_dataset
    return [data.build_rows([number])[0] for number in range(len(data))]


def test_many_records_are_counted(build_trainer):
    stop = StopOnDivergence()
    stop.add([f"r{number}" for number in range(40)], torch.full((40,), math.nan))
    with pytest.raises(DivergedError, match=r"'r31' and 8 more\)") as caught:
        stop.require_finite("here", torch.device("cpu"))
    assert len(caught.value.records) == 40
    stop.require_finite("here", torch.device("cpu"))  # what was told is not told again
