"""What the log says of a run: over all pairs, exact however records are batched, and the same in every tracker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import TrainerCallback

from errata.data import LoadedRecords
from errata.objectives import build_objective, preference_loss
from errata.training.metrics import RunningMeans, Share, drop_repeats, measure_row
from errata.training.reference import score_row
from errata.training.speed import TokenRate, count_tokens
from errata.trees import TreeLayout, TreeShape

SIDES = {f"{what}/{side}" for what in ("rewards", "logps", "drift", "lengths") for side in ("chosen", "rejected")}
NAMES = SIDES | {"rewards/margins", "rewards/accuracies", "loss/preference"}
LEVELS = {"rewards/level-0", "rewards/level-1", "rewards/level-2"}
PAIRS = {"accuracies/0-1", "accuracies/0-2", "accuracies/1-2"}


def build_row(lengths, records, weights=None):
    """What the metrics read of a row: token counts, levels and weights."""
    count = sum(lengths)
    return SimpleNamespace(
        target_lengths=tuple(lengths),
        num_responses=len(lengths),
        response_index=torch.repeat_interleave(torch.tensor(lengths)),
        token_weights=torch.tensor(weights or [1.0] * count),
        records=records,
    )


def measure(name, row, logps, reference, **choices):
    objective = build_objective(name, **choices)
    scores = [None if values is None else score_row(values, row, objective) for values in (logps, reference)]
    means = RunningMeans()
    means.add(measure_row(objective, row, preference_loss(objective, *scores, row.records), logps, reference))
    return means.take()


def test_metrics_by_hand():
    # Record 1 has levels 0, 1, 2 with 1, 2 and 1 tokens; record 2 levels 0 and 1 with 3 and 1.
    row = build_row([1, 2, 1, 3, 1], [(0, (0, 1, 2)), (3, (0, 1))])
    reference = torch.full((8,), -1.0)
    moved = torch.tensor([0.5, -0.5, -0.5, 0.25, 0.1, 0.1, 0.1, 0.9])  # log-ratios of the tokens
    found = measure("mdpo", row, reference + moved, reference, beta=0.1, anchor="none")
    # Log-ratios of the responses: 0.5, -1.0, 0.25 and 0.3, 0.9.
    expected = {
        "rewards/level-0": 0.1 * (0.5 + 0.3) / 2,
        "rewards/level-1": 0.1 * (-1.0 + 0.9) / 2,
        "rewards/level-2": 0.1 * 0.25,
        "rewards/chosen": 0.1 * (0.5 + 0.3) / 2,
        "rewards/rejected": 0.1 * (-1.0 + 0.25 + 0.9) / 3,
        "rewards/margins": 0.1 * (1.5 + 0.25 - 1.25 - 0.6) / 4,
        "rewards/accuracies": 2 / 4,
        "accuracies/0-1": 1 / 2,
        "accuracies/0-2": 1.0,
        "accuracies/1-2": 0.0,
        "logps/chosen": (-0.5 - 2.7) / 2,
        "logps/rejected": (-3.0 - 0.75 - 0.1) / 3,
        "drift/chosen": 0.8 / 4,
        "drift/rejected": (-1.0 + 0.25 + 0.9) / 4,
        "lengths/chosen": 2.0,
        "lengths/rejected": 4 / 3,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert found.keys() - expected.keys() == {"loss/preference"}


def test_a_weighted_objective_says_how_many_tokens_weigh_more_and_logps_stay_what_they_are():
    row = build_row([2, 2], [(0, (0, 1))], [1.0, 5.0, 1.0, 1.0])
    logps = torch.tensor([-1.0, -2.0, -3.0, -4.0])
    found = measure("ddpo", row, logps, torch.zeros(4))
    assert found["tokens/weighted"] == 0.25
    assert (found["logps/chosen"], found["logps/rejected"]) == (-3.0, -7.0)
    assert "tokens/weighted" not in measure("dpo", row, logps, torch.zeros(4))


def test_without_pairs_and_reference_there_is_one_side():
    row = build_row([2], [(0, (0,))])
    found = measure("sft", row, torch.tensor([-1.0, -2.0]), None)
    assert found == {"loss/sft": found["loss/sft"], "logps/chosen": -3.0, "lengths/chosen": 2.0}


def test_means_are_over_elements_not_over_batches():
    means = RunningMeans()
    means.add({"a": torch.tensor([1.0, 2.0, 3.0]), "b": Share(6.0, 4)})
    means.add({"a": torch.tensor([6.0]), "b": Share(torch.tensor(2.0), 4)})
    assert means.take() == {"a": 3.0, "b": 1.0}
    assert means.take() == {}


def test_the_accuracy_of_the_only_pair_of_levels_is_not_told_twice():
    assert drop_repeats({"rewards/accuracies": 1.0, "accuracies/0-1": 1.0}) == {"rewards/accuracies": 1.0}
    both = {"accuracies/0-1": 1.0, "accuracies/0-2": 0.5}
    assert drop_repeats(both) == both


class Listener(TrainerCallback):
    """Hears what a tracker such as W&B hears."""

    def __init__(self):
        self.heard = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        self.heard.append(dict(logs))


def test_the_log_and_every_tracker_get_the_same_numbers(build_trainer, records, image_folder):
    listener = Listener()
    data = {"eval_dataset": LoadedRecords(records[:5], image_folder), "callbacks": [listener]}
    trainer = build_trainer(data, objective="dense-mdpo", eval_strategy="epoch")
    trainer.train()
    lines = [line for line in listener.heard if "loss" in line]
    names = NAMES | LEVELS | PAIRS | {"tokens/weighted"}
    assert len(lines) == 6
    assert all(names | {"tokens/s", "grad_norm", "loss"} <= line.keys() for line in lines)
    evaluated = [line for line in listener.heard if "eval_loss" in line]
    assert len(evaluated) == 2
    assert {f"eval_{name}" for name in names} <= evaluated[0].keys()
    logged = [{k: v for k, v in line.items() if k != "step"} for line in trainer.state.log_history]
    assert [{k: v for k, v in line.items() if k != "epoch"} for line in listener.heard] == [
        {k: v for k, v in line.items() if k != "epoch"} for line in logged
    ]
    assert lines[-1]["drift/chosen"] > lines[-1]["drift/rejected"]
    assert lines[0]["drift/chosen"] == pytest.approx(0.0, abs=1e-6)


def test_tensorboard_gets_them(build_trainer, tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    trainer = build_trainer(objective="ddpo", report_to=["tensorboard"], max_steps=2)
    trainer.train()
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    margins = [event.value for event in events.Scalars("train/rewards/margins")]
    logged = [line["rewards/margins"] for line in trainer.state.log_history if "loss" in line]
    assert margins == pytest.approx(logged)
    assert {f"train/{name}" for name in (*NAMES, "tokens/s", "grad_norm")} <= set(events.Tags()["scalars"])


def test_evaluation_is_exact_per_record_and_pair_for_any_batch_size(build_trainer, records, image_folder):
    data = LoadedRecords(records[:7], image_folder)
    values = []
    for size, tokens in ((1, 4096), (2, 80), (3, 4096), (7, 80)):
        trainer = build_trainer(
            {"eval_dataset": data},
            objective="mdpo",
            per_device_eval_batch_size=size,
            max_tokens_per_row=tokens,
            optim="sgd",
            learning_rate=0.05,
            eval_strategy="epoch",
        )
        trainer.train()
        lines = [line for line in trainer.state.log_history if "eval_loss" in line]
        timing = ("eval_runtime", "eval_samples_per_second", "eval_steps_per_second")
        values.append({name: value for name, value in lines[-1].items() if name not in timing})
    assert {f"eval_{name}" for name in NAMES | LEVELS | PAIRS} <= values[0].keys()
    for other in values[1:]:
        assert other == pytest.approx(values[0], abs=1e-4)


def test_tokens_are_those_that_were_computed(build_trainer):
    row = SimpleNamespace(
        input_ids=torch.zeros(1, 25), layout=TreeLayout((TreeShape(10, (2, 3)), TreeShape(5, (1, 2, 2))))
    )
    assert count_tokens(row, shared_prefix=True) == 25
    assert count_tokens(row, shared_prefix=False) == 25 + 10 + 2 * 5
    trainer = build_trainer(num_train_epochs=1, logging_steps=100)
    counted = []
    trainer._rate.add = counted.append
    trainer.train()
    assert sum(counted) == sum(trainer.train_dataset.lengths)


def test_the_rate_leaves_out_pauses(monkeypatch):
    now = iter([0.0, 2.0, 7.0, 10.0, 10.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    rate = TokenRate()
    rate.add(100)
    with rate.paused():
        pass
    assert rate.take() == pytest.approx(20.0)


def test_the_progress_bar_shows_tokens_per_second_and_what_fits_a_line(build_trainer, capfd):
    build_trainer(disable_tqdm=False, max_steps=2).train()
    output = capfd.readouterr()
    assert "tokens/s]" in output.err
    assert "'rewards/margins'" in output.out + output.err
    assert "drift" not in output.out + output.err
