"""What `errata demo` must reach, measured: time, memory, the base, and what Dense DPO does to it.

    python perf/demo.py                     seeds 0 to 4, a table, exit code 1 when a line is missed
    python perf/demo.py --seeds 100,101 --split validation
    python perf/demo.py --scaling           CHAIR_s after 100, 200, … 1,600 corrections at equal epochs
    python perf/demo.py --json              the same as JSON

Every run is a process of its own; wall time and peak memory are the operating system's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

SCALING = (100, 200, 400, 800, 1600)
POPE = ("pope_random", "pope_popular", "pope_adversarial")


@dataclass(frozen=True)
class Line:
    """One target: what is measured, what it must be, what it was."""

    name: str
    target: str
    found: str
    met: bool


@dataclass(frozen=True)
class Run:
    """One demo: seconds, peak memory of its largest process in MB, and its `results.json`."""

    seconds: float
    memory_mb: float
    results: dict[str, Any]


def run_command(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of one `errata …`; its failure ends this script."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "errata", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"errata {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def run_demo(folder: Path, *arguments: str) -> Run:
    """One fresh `errata demo`."""
    seconds, memory_mb = run_command(["demo", "--out", str(folder), "--fresh", *arguments])
    return Run(seconds, memory_mb, json.loads((folder / "results.json").read_text(encoding="utf-8")))


def value(run: Run, stage: int, benchmark: str, metric: str) -> float:
    """A metric of the base (stage 0) or of the aligned model (stage 1)."""
    return float(run.results["stages"][stage]["benchmarks"][benchmark]["metrics"][metric]["value"])


def ratio(run: Run, metric: str) -> float:
    """After over before, of a CHAIR metric."""
    return value(run, 1, "chair", metric) / value(run, 0, "chair", metric)


def check_cost(runs: list[Run], quick: Run, help_seconds: float) -> list[Line]:
    """Seconds and memory."""
    slowest, largest = max(run.seconds for run in runs), max(run.memory_mb for run in runs)
    return [
        Line("demo, slowest run", "<= 100 s", f"{slowest:.1f} s", slowest <= 100),
        Line("demo, peak memory", "<= 2048 MB", f"{largest:.0f} MB", largest <= 2048),
        Line("demo --quick", "<= 30 s", f"{quick.seconds:.1f} s", quick.seconds <= 30),
        Line("errata --help, median of 5", "<= 0.4 s", f"{help_seconds:.2f} s", help_seconds <= 0.4),
    ]


def check_base(seed: str, run: Run) -> list[Line]:
    """Whether the base is worth correcting: it sees well, and lies often enough."""
    chair_s, recall = value(run, 0, "chair", "chair_s"), value(run, 0, "chair", "recall")
    accuracy = [value(run, 0, name, "accuracy") for name in POPE]
    yes = [value(run, 0, name, "yes_share") for name in POPE]
    ordered = accuracy[0] > accuracy[1] > accuracy[2]
    shown = " > ".join(f"{100 * a:.1f}" for a in accuracy)
    return [
        Line(f"seed {seed}: base CHAIR_s", "30 to 50 %", f"{100 * chair_s:.1f} %", 0.3 <= chair_s <= 0.5),
        Line(f"seed {seed}: base recall", ">= 92 %", f"{100 * recall:.1f} %", recall >= 0.92),
        Line(f"seed {seed}: base POPE accuracy", "random >= 88 %, falling", shown, accuracy[0] >= 0.88 and ordered),
        Line(
            f"seed {seed}: base share of yes",
            "40 to 60 %",
            " / ".join(f"{100 * y:.1f}" for y in yes),
            all(0.4 <= y <= 0.6 for y in yes),
        ),
    ]


def check_alignment(seed: str, run: Run) -> list[Line]:
    """What Dense DPO must do on every seed."""
    drop, recall, words = 1 - ratio(run, "chair_s"), ratio(run, "recall"), ratio(run, "words_truthful")
    differences = run.results["differences"]["ddpo"]
    highs = [differences[name]["f1"]["high"] for name in POPE]
    before, after = (100 * value(run, stage, "chair", "chair_s") for stage in (0, 1))
    return [
        Line(f"seed {seed}: CHAIR_s drop", ">= 40 %", f"{100 * drop:.1f} % ({before:.1f} -> {after:.1f})", drop >= 0.4),
        Line(f"seed {seed}: recall kept", ">= 97 %", f"{100 * recall:.2f} %", recall >= 0.97),
        Line(f"seed {seed}: words outside mentions kept", ">= 95 %", f"{100 * words:.2f} %", words >= 0.95),
        Line(
            f"seed {seed}: POPE F1 change, upper ends",
            "none below 0",
            " / ".join(f"{100 * high:+.1f}" for high in highs),
            all(high >= 0 for high in highs),
        ),
    ]


def measure_demo(folder: Path, seeds: list[str], split: list[str]) -> list[Line]:
    """Every target over the seeds."""
    runs = [run_demo(folder / seed, "--seed", seed, *split) for seed in seeds]
    help_seconds = sorted(run_command(["--help"])[0] for _ in range(5))[2]
    lines = check_cost(runs, run_demo(folder / "quick", "--quick"), help_seconds)
    for seed, run in zip(seeds, runs, strict=True):
        lines += check_base(seed, run) + check_alignment(seed, run)
    drop = mean(1 - ratio(run, "chair_s") for run in runs)
    return [*lines, Line("mean CHAIR_s drop", ">= 50 %", f"{100 * drop:.1f} %", drop >= 0.5)]


def measure_scaling(folder: Path, seeds: list[str], split: list[str]) -> list[Line]:
    """The curve, as the mean over seeds of the drop in CHAIR_s; 100 corrections must leave much to do."""
    drops = {}
    for count in SCALING:
        runs = [
            run_demo(folder / f"{seed}-{count}", "--seed", seed, "--corrections", str(count), *split) for seed in seeds
        ]
        drops[count] = mean(1 - ratio(run, "chair_s") for run in runs)
        print(f"{count:5} corrections: CHAIR_s down {100 * drops[count]:.1f} %", file=sys.stderr, flush=True)
    share = drops[SCALING[0]] / drops[SCALING[-1]]
    curve = [
        Line(f"{count} corrections", "", f"CHAIR_s down {100 * drop:.1f} %", True) for count, drop in drops.items()
    ]
    return [*curve, Line("share of the effect that 100 give", "<= 60 %", f"{100 * share:.1f} %", share <= 0.6)]


def main() -> int:
    """Measure, print, and say by the exit code whether every line was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2,3,4", help="separated by commas (default: 0,1,2,3,4)")
    parser.add_argument("--split", choices=["evaluation", "validation"], default="evaluation")
    parser.add_argument("--scaling", action="store_true", help="the curve over corrections instead")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    args = parser.parse_args()
    split = ["--split", args.split] if args.split != "evaluation" else []
    with tempfile.TemporaryDirectory() as temporary:
        measure = measure_scaling if args.scaling else measure_demo
        lines = measure(args.out or Path(temporary), args.seeds.split(","), split)
    if args.json:
        print(json.dumps([asdict(line) for line in lines], indent=1))
    else:
        for line in lines:
            print(f"{'met' if line.met else 'MISSED':8}{line.name:44}{line.target:26}{line.found}")
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
