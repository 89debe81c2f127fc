"""A whole training run on the same rows: Errata's trainer against TRL's.

    python perf/runs.py errata --records 64

Prints JSON: CPU seconds of everything from the constructor to the end of `train()`, wall seconds, the last loss.
The same AdamW, eight records a step, one epoch. Errata writes the rows' images to disk, encodes, checks its tree,
runs the reference and trains; TRL is given one pair at a time, so that it pads least.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RECORDS_PER_STEP = 8


def measure_run(method: str, records: int, *, quick: bool) -> dict[str, float]:
    """Run this file in a process of its own."""
    command = [sys.executable, __file__, method, "--records", str(records), *(["--quick"] if quick else [])]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def run_training(method: str, records: int, folder: str, *, quick: bool) -> dict[str, float]:
    """Constructor and `train()`, imports and the building of model and rows left out."""
    from toy import QUICK, Toy, build_model, build_rows

    toy = QUICK if quick else Toy()
    rows = build_rows(toy, records)
    options: dict[str, Any] = {"learning_rate": 1e-6, "optim": "adamw_torch", "num_train_epochs": 1, "logging_steps": 1}
    models = [build_model(toy) for _ in range(1 if method == "errata" else 2)]
    build = build_errata if method == "errata" else build_trl
    cpu, wall = time.process_time(), time.perf_counter()
    trainer = build(toy, models, rows, folder, options)
    built = time.process_time()
    trainer.train()
    done = time.process_time()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    return {
        "cpu": done - cpu,
        "constructor": built - cpu,
        "wall": time.perf_counter() - wall,
        "loss": losses[-1],
    }


def build_errata(toy: Any, models: list[Any], rows: Any, folder: str, options: dict[str, Any]) -> Any:
    """Errata's trainer, its defaults apart from the batch."""
    from errata.training import PreferenceConfig, PreferenceTrainer
    from toy import build_processor

    config = PreferenceConfig(
        folder,
        beta=0.1,
        records_per_step=RECORDS_PER_STEP,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        **options,
    )
    return PreferenceTrainer(models[0], args=config, train_dataset=rows, processing_class=build_processor(toy))


def build_trl(toy: Any, models: list[Any], rows: Any, folder: str, options: dict[str, Any]) -> Any:
    """TRL's trainer."""
    from peers import build_trl_trainer

    policy, reference = models
    batch = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": RECORDS_PER_STEP}
    return build_trl_trainer(toy, policy, reference, rows, folder, **batch, **options)


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=["errata", "trl"])
    parser.add_argument("--records", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="a model of two thin layers")
    args = parser.parse_args()
    # Trainers print; the last line of this one is to be the only one.
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as away, contextlib.redirect_stdout(away):
        found = run_training(args.method, args.records, folder, quick=args.quick)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
