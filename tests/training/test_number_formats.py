"""What a run computes in which format, as docs/train.md says."""

from __future__ import annotations

import pytest
import torch

from errata.models import loading, placement
from errata.training import LoraSettings

HALF, WHOLE = torch.bfloat16, torch.float32


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """`dtype: auto` is bfloat16."""
    monkeypatch.setattr(
        loading, "find_dtype", lambda name, device: HALF if name == "auto" else placement.find_dtype(name, device)
    )


def formats(model, *, learn):
    return {parameter.dtype for parameter in model.parameters() if parameter.requires_grad is learn}


def test_weights_that_learn_are_float32_where_nothing_is_said(as_on_a_gpu, build_trainer, tiny_folder):
    whole = build_trainer({"model": str(tiny_folder)})
    assert formats(whole.model, learn=True) == formats(whole.model, learn=False) == {WHOLE}
    beside = build_trainer({"model": str(tiny_folder), "peft_config": LoraSettings(r=2).build()})
    assert (formats(beside.model, learn=True), formats(beside.model, learn=False)) == ({WHOLE}, {HALF})


def test_what_is_said_holds(build_trainer, tiny_folder):
    trainer = build_trainer({"model": str(tiny_folder)}, model_init_kwargs={"dtype": "bfloat16"})
    assert formats(trainer.model, learn=True) == {HALF}


@pytest.mark.parametrize("lora", [False, True])
def test_passes_in_half_precision_end_in_float32(as_on_a_gpu, build_trainer, tiny_folder, monkeypatch, lora):
    adapters = {"peft_config": LoraSettings(r=2).build()} if lora else {}
    trainer = build_trainer({"model": str(tiny_folder), **adapters}, bf16=True, max_steps=2, self_check=False)
    seen = []
    compute = trainer._passes.compute

    def watch(model, row):
        head = trainer.adapter.output_head(model)
        hook = head.register_forward_hook(lambda module, args, output: seen.append(output.dtype))
        logps = compute(model, row)
        hook.remove()
        assert logps.dtype == WHOLE
        return logps

    monkeypatch.setattr(trainer._passes, "compute", watch)
    trainer.train()
    assert set(seen) == {HALF}
    assert {one.dtype for one in trainer.train_dataset.references if one is not None} == {WHOLE}
    assert formats(trainer.model, learn=True) == {WHOLE}
    moments = [state["exp_avg"].dtype for state in trainer.optimizer.optimizer.state.values()]
    assert set(moments) == {WHOLE}
    assert trainer.state.log_history[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
