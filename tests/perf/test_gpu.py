"""`perf/gpu.py` runs without a GPU as far as it can, and its demands are the stated ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

PERF = Path(__file__).parents[2] / "perf"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(PERF))
    import gpu

    return gpu


@pytest.fixture
def run(gpu, monkeypatch, capsys):
    """The script's exit code, and what it printed on both streams."""

    def main(*arguments):
        monkeypatch.setattr(sys, "argv", ["gpu.py", *arguments])
        code = gpu.main()
        return code, *capsys.readouterr()

    return main


@pytest.mark.slow
def test_a_quick_run_gives_every_figure(run):
    code, out, err = run("--quick", "--json", "--only", "lora-2-80,full-4-300-gc,headline", "--peak-tflops", "0.1")
    assert code == 0, err
    lines = {line["name"]: line for line in json.loads(out)}
    for name in ("lora-2-80: errata", "lora-2-80: trl", "lora-2-80: amp", "full-4-300-gc: amp"):
        assert lines[name]["values"]["seconds"] > 0
    losses = [lines[f"lora-2-80: {method}"]["values"]["loss"] for method in ("errata", "trl", "amp")]
    assert max(losses) - min(losses) < 0.05
    assert lines["lora-2-80: vs trl"]["target"] == ">= 2.2 x"
    assert lines["full-4-300-gc: vs amp"]["target"] == ""
    assert 0 < lines["lora-2-80: MFU"]["values"]["mfu"] < 1
    assert lines["RLHF-V's run, 13B, from 2 steps"]["values"]["minutes"] > 0


@pytest.mark.gpu
def test_a_quick_run_on_a_gpu_compares_the_attentions(run):
    _, out, _ = run("--quick", "--json", "--only", "full-2-80")
    lines = {line["name"]: line for line in json.loads(out)}
    assert lines["full-2-80: vs errata, split"]["values"]["gain"] > 0
    assert lines["full-2-80: errata"]["values"]["peak_gb"] > 0


def test_a_missed_or_unmeasured_demand_is_told(gpu):
    demanding, other = gpu.SETTINGS["full-4-80"], gpu.SETTINGS["full-4-80-gc"]
    ours, slow, fast = (gpu.Measured(seconds, 1.0, 0.5) for seconds in (1.0, 4.1, 3.9))
    assert gpu.compare(demanding, ours, "amp", slow).met
    assert not gpu.compare(demanding, ours, "amp", fast).met
    assert not gpu.compare(demanding, ours, "amp", None).met
    assert gpu.compare(other, ours, "amp", fast).met
    assert gpu.compare_to_peak(demanding, ours, 0.5e12, 1.0).met
    assert not gpu.compare_to_peak(demanding, ours, 0.4e12, 1.0).met
    assert not gpu.compare_to_peak(demanding, ours, 0.5e12, None).met


def test_what_does_not_fit_is_no_crash(gpu):
    import torch

    def build():
        raise torch.OutOfMemoryError

    assert gpu.measure(build, 1) is None
    assert gpu.describe("full-2-80", "trl", None, 1).found == "out of memory"


def test_a_step_of_7b_is_six_multiplications_and_additions_per_weight_and_token(gpu):
    toy = gpu.LLAVA_7B
    flops = 2 * gpu.count_step(toy, "errata", [[80, 80]], lora=False)
    weights = toy.layers * (4 * toy.hidden**2 + 3 * toy.hidden * toy.mlp)
    assert flops == pytest.approx(6 * weights * (toy.prefix + 160), rel=0.06)


def test_without_a_gpu_it_says_so(run, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        run("--only", "headline")
    assert ended.value.code == 2
    assert "needs a GPU" in capsys.readouterr().err
