"""Row length, accumulation and the records' order inside a step leave loss and gradients as they are."""

from __future__ import annotations

import pytest
import torch
from transformers import TrainerCallback

from errata.data import LoadedRecords
from training_checks import read_curve

TOLERANCE = 1e-4
LENGTHS_DIFFER = {"max_tokens_per_row": 80}


class KeepGradients(TrainerCallback):
    """Copies every gradient before it is clipped or applied."""

    def __init__(self):
        self.steps = []

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        named = model.named_parameters()
        self.steps.append({name: value.grad.clone() for name, value in named if value.grad is not None})


def run(build_trainer, records, image_folder, objective, **settings):
    """The loss and the gradients of one step over all records, and how many passes it took."""
    kept = KeepGradients()
    trainer = build_trainer(
        {"train_dataset": LoadedRecords(records, image_folder), "callbacks": [kept]},
        objective=objective,
        records_per_step=len(records),
        num_train_epochs=1,
        max_grad_norm=0.0,
        **settings,
    )
    with torch.no_grad():  # away from the reference, where every margin is 0
        trainer._reference.prepare(trainer.model, [trainer.train_dataset], trainer._progress)
        generator = torch.Generator().manual_seed(1)
        for value in trainer.model.model.language_model.parameters():
            value.add_(0.02 * torch.randn(value.shape, generator=generator))
    passes = []
    compute = trainer._compute_logps
    trainer._compute_logps = lambda model, row: passes.append(row.input_ids.shape[1]) or compute(model, row)
    trainer.train()
    (gradients,) = kept.steps
    return read_curve(trainer)[0], gradients, passes


@pytest.mark.parametrize("objective", ["ddpo", "dense-mdpo", "sft"])
def test_one_step_is_the_same_in_any_shape(build_trainer, records, image_folder, objective):
    loss, gradients, passes = run(build_trainer, records, image_folder, objective)
    assert len(passes) == 1
    largest = max(float(value.abs().max()) for value in gradients.values())
    assert largest > 1e-3
    shapes = {
        "rows": LENGTHS_DIFFER,
        "accumulation": {"gradient_accumulation_steps": 5},
        "both": LENGTHS_DIFFER | {"gradient_accumulation_steps": 3},
        "order": {},
        "order and rows": {"max_tokens_per_row": 150},
    }
    for name, settings in shapes.items():
        ordered = list(reversed(records)) if "order" in name else records
        other, theirs, their_passes = run(build_trainer, ordered, image_folder, objective, **settings)
        assert (len(their_passes) > 1) == bool(settings), name
        assert max(their_passes) <= settings.get("max_tokens_per_row", 4096), name
        assert other == pytest.approx(loss, abs=TOLERANCE), name
        for parameter, value in gradients.items():
            assert float((theirs[parameter] - value).abs().max()) < TOLERANCE * largest, (name, parameter)
