"""Two processes give what one gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import errata
from errata.records import write_records
from training_checks import save_tuned

CHILD = """
import json, os, sys
import torch.distributed as dist
from errata.data import load_records
from errata.models import ModelSettings, load_model
from errata.training import DivergedError, LoraSettings, PreferenceConfig, PreferenceTrainer

model, data, images, out, extra = sys.argv[1:]
extra = {"objective": "ddpo"} | json.loads(extra)
lora = extra.pop("lora", None)
args = PreferenceConfig(
    output_dir=out, records_per_step=5, num_train_epochs=2, learning_rate=0.05, optim="sgd",
    logging_steps=1, save_strategy="no", eval_strategy="epoch", disable_tqdm=True, use_cpu=True, **extra,
)
records = load_records(data, images)
trainer = PreferenceTrainer(
    model=load_model(ModelSettings(name=model), for_training=True), args=args, train_dataset=records,
    eval_dataset=records, peft_config=LoraSettings(r=4).build() if lora else None,
)
named = []
try:
    trainer.train()
except DivergedError as error:
    named = error.records
if args.process_index == 0:
    timing = ("tokens/s", "runtime", "_per_second")
    curve = [
        {key: value for key, value in line.items() if not key.endswith(timing)}
        for line in trainer.state.log_history if "train_loss" not in line
    ]
    wrapper = type(trainer.model_wrapped).__name__
    print(json.dumps({"world": args.world_size, "wrapper": wrapper, "curve": curve, "named": sorted(named)}))
if dist.is_initialized():
    dist.barrier()
    dist.destroy_process_group()
sys.stdout.flush()
os._exit(0)  # a loop that was left in the middle has threads in torch, which now and then abort an ordinary end
"""


@pytest.fixture
def launch(tiny_folder, image_folder, records, tmp_path):
    """Train in `processes` processes; the world, the wrapper and the log of the first."""
    write_records(tmp_path / "records.jsonl", records)
    (tmp_path / "child.py").write_text(CHILD)

    def launch(processes: int, out: str, **extra):
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        model = save_tuned(tiny_folder, tmp_path / "tuned") if extra.pop("tuned", False) else tiny_folder
        paths = [tmp_path / "child.py", model, tmp_path / "records.jsonl", image_folder, tmp_path / out]
        environment = os.environ | {"PYTHONPATH": str(Path(errata.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
        command = [*(torchrun if processes > 1 else [sys.executable]), *map(str, paths), json.dumps(extra)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))

    return launch


SETTINGS = {
    "full": {},
    "rows, accumulation, live reference": {
        "gradient_accumulation_steps": 2,
        "max_tokens_per_row": 80,
        "reference_cache": None,
    },
    "levels, uneven evaluation": {"objective": "dense-mdpo", "per_device_eval_batch_size": 3},
    "lora": {"lora": True},
    "an adapter that is trained further, live reference": {"tuned": True, "reference_cache": None},
    "an adapter that is merged": {"tuned": True, "lora": True},
}


@pytest.mark.slow
@pytest.mark.parametrize("extra", SETTINGS.values(), ids=SETTINGS)
def test_two_processes_train_and_evaluate_like_one(launch, extra):
    one, two = launch(1, "one", **extra), launch(2, "two", **extra)
    # Some launchers fall back to one process without a word: then this test would say nothing.
    assert (two["world"], two["wrapper"]) == (2, "DistributedDataParallel")
    assert {"rewards/level-0", "drift/chosen", "lengths/rejected", "tokens/weighted"} <= two["curve"][0].keys()
    for ours, theirs in zip(one["curve"], two["curve"], strict=True):
        assert ours == pytest.approx(theirs, abs=2e-5)


@pytest.mark.slow
def test_two_processes_stop_together_and_name_the_records_of_both(launch):
    one, two = launch(1, "one", max_loss=0.5), launch(2, "two", max_loss=0.5)
    assert two["world"] == 2
    assert len(one["named"]) == 5
    assert two["named"] == one["named"]
