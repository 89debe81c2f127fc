"""What a training step must reach, measured: time and memory against TRL, AMP's way and Muffin's way.

    python perf/step.py                     a table, exit code 1 when a line is missed; about 15 minutes
    python perf/step.py --only full-2,runs  some of it: full-2, lora-2, full-4, lora-4, packed, memory, runs
    python perf/step.py --json              the same as JSON
    python perf/step.py --quick             a tiny model, to see that everything runs; its figures mean nothing

Times are CPU seconds of one thread, methods taking turns; a gain is the median over rounds of peer / Errata. Before
anything is timed the methods' losses are compared, so that all do the same work. See `peers`, `toy` and `theory`.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import torch

from errata.trees import TreeSample
from memory import measure_memory
from peers import STEPS, ErrataStep, Step
from runs import measure_run
from theory import count_step
from toy import QUICK, Toy, build_samples

LOSS_TOLERANCE = 1e-3
"""Largest difference between two methods' losses that is rounding."""


@dataclass(frozen=True)
class Setting:
    """Which steps are timed against one another, and what must come out."""

    name: str
    responses: int
    samples: int
    lora: bool
    peers: tuple[str, ...]
    target: float
    """The least gain over the first of `peers`."""


SETTINGS = {
    "full-2": Setting("K=2 full", 2, 1, False, ("trl", "amp", "muffin"), 2.4),
    "lora-2": Setting("K=2 LoRA", 2, 1, True, ("trl", "amp"), 2.8),
    "full-4": Setting("K=4 full", 4, 1, False, ("amp", "muffin"), 4.0),
    "lora-4": Setting("K=4 LoRA", 4, 1, True, ("amp",), 4.3),
    "packed": Setting("K=2 full, four samples in a row", 2, 4, False, ("amp",), 2.7),
}
MEMORY = (("trl", 2, 0.55), ("amp", 4, 0.25))
RUN_TARGET = 1.8


@dataclass(frozen=True)
class Line:
    """One figure. `target` is empty where nothing is demanded."""

    name: str
    target: str
    found: str
    met: bool = True
    values: dict[str, Any] = field(default_factory=dict)


def measure_setting(setting: Setting, toy: Toy, rounds: int) -> list[Line]:
    """Gains over every peer, with the reference cached and live, and what the cache costs once."""
    samples = build_samples(toy, setting.samples, setting.responses)
    steps = {name: STEPS[name](toy, samples, lora=setting.lora) for name in ("errata", "errata-live", *setting.peers)}
    compare_losses(setting, steps)
    seconds = time_steps(steps, rounds)
    first = setting.peers[0]
    lines = [compare(setting, "errata", first, seconds, toy, samples, setting.target)]
    lines += [compare(setting, "errata", peer, seconds, toy, samples) for peer in setting.peers[1:]]
    lines.append(compare(setting, "errata-live", first, seconds, toy, samples))
    return [*lines, measure_cache(setting, toy, samples, median(seconds["errata"]))]


def compare_losses(setting: Setting, steps: dict[str, Step]) -> None:
    """Warm up with one step of each; end the script where two methods do not compute the same."""
    losses = {name: step.run() for name, step in steps.items()}
    if max(losses.values()) - min(losses.values()) > LOSS_TOLERANCE:
        sys.exit(f"{setting.name}: the methods' losses differ, so their times cannot be compared: {losses}")


def time_steps(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of every method in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.process_time()
            step.run()
            seconds[name].append(time.process_time() - start)
    return seconds


def compare(
    setting: Setting,
    own: str,
    peer: str,
    seconds: dict[str, list[float]],
    toy: Toy,
    samples: list[TreeSample],
    target: float | None = None,
) -> Line:
    """The gain of one method over another, and which share of what theory allows that is."""
    gain = median(theirs / ours for theirs, ours in zip(seconds[peer], seconds[own], strict=True))
    lengths = [[len(response.input_ids) for response in sample.responses] for sample in samples]
    possible = count_step(toy, peer, lengths, lora=setting.lora) / count_step(toy, own, lengths, lora=setting.lora)
    ours, theirs = median(seconds[own]), median(seconds[peer])
    label = f"{setting.name}: " + ("reference in the step, " if own == "errata-live" else "") + f"vs {peer}"
    found = f"{gain:.2f} x ({theirs:.2f} s -> {ours:.2f} s), {100 * gain / possible:.0f} % of {possible:.2f}"
    values = {"gain": gain, "possible": possible, "seconds": {own: seconds[own], peer: seconds[peer]}}
    return Line(label, f">= {target} x" if target else "", found, target is None or gain >= target, values)


def measure_cache(setting: Setting, toy: Toy, samples: list[TreeSample], step_seconds: float) -> Line:
    """What it costs once to score the reference; the model is the same, so the policy stands for it."""
    step = STEPS["errata"](toy, samples, lora=setting.lora)
    assert isinstance(step, ErrataStep)
    times = []
    for _ in range(2):
        start = time.process_time()
        step.score_reference(None if setting.lora else step.model)
        times.append(time.process_time() - start)
    cost = min(times)
    found = f"{cost:.2f} s once, {100 * cost / step_seconds:.0f} % of a step"
    return Line(f"{setting.name}: filling the cache", "", found, values={"seconds": cost})


def compare_memory(peer: str, responses: int, target: float, *, quick: bool) -> Line:
    """Step memory against a peer."""
    ours, theirs = (measure_memory(name, responses, quick=quick) for name in ("errata", peer))
    share = ours["step"] / theirs["step"]
    found = f"{share:.2f} x ({theirs['step']:.0f} MB -> {ours['step']:.0f} MB)"
    values = {"share": share, "errata": ours, peer: theirs}
    return Line(f"step memory K={responses}: vs {peer}", f"<= {target} x", found, share <= target, values)


def compare_runs(records: int, toy: Toy, *, quick: bool) -> Line:
    """A whole run against TRL's, one epoch."""
    ours, theirs = (measure_run(name, records, quick=quick) for name in ("errata", "trl"))
    gain, pair = theirs["cpu"] / ours["cpu"], [[toy.response] * 2]
    possible = count_step(toy, "trl", pair, lora=False) / count_step(toy, "errata-live", pair, lora=False)
    found = (
        f"{gain:.2f} x ({theirs['cpu']:.1f} s -> {ours['cpu']:.1f} s), {100 * gain / possible:.0f} % of {possible:.2f}"
    )
    values = {"gain": gain, "possible": possible, "errata": ours, "trl": theirs}
    return Line(f"train() of {records} records: vs trl", f">= {RUN_TARGET} x", found, gain >= RUN_TARGET, values)


def measure(parts: list[str], toy: Toy, rounds: int, records: int, *, quick: bool) -> list[Line]:
    """The chosen parts in their order."""
    lines: list[Line] = []
    for part in parts:
        if part in SETTINGS:
            lines += measure_setting(SETTINGS[part], toy, rounds)
        elif part == "memory":
            lines += [compare_memory(*each, quick=quick) for each in MEMORY]
        else:
            lines.append(compare_runs(records, toy, quick=quick))
        print(f"{part} measured", file=sys.stderr, flush=True)
    return lines


def main() -> int:
    """Measure, print, and say by the exit code whether every line was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [*SETTINGS, "memory", "runs"]
    parser.add_argument("--only", default=",".join(every), help="parts, separated by commas (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="times that every step is timed (default: 5)")
    parser.add_argument("--records", type=int, default=64, help="records of the whole run (default: 64)")
    parser.add_argument("--quick", action="store_true", help="a tiny model, one round, no demands")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    parts = args.only.split(",")
    if unknown := set(parts) - set(every):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    warnings.simplefilter("ignore")  # of libraries about their own future
    torch.set_num_threads(1)
    if args.quick:
        lines = measure(parts, QUICK, 1, 8, quick=True)
    else:
        lines = measure(parts, Toy(), args.rounds, args.records, quick=False)
    print_lines(lines, as_json=args.json, quick=args.quick)
    return 0 if args.quick or all(line.met for line in lines) else 1


def print_lines(lines: list[Line], *, as_json: bool, quick: bool) -> None:
    """The table, or JSON."""
    if as_json:
        print(json.dumps([asdict(line) for line in lines], indent=1))
        return
    for line in lines:
        mark = "" if quick or not line.target else "met" if line.met else "MISSED"
        print(f"{mark:8}{line.name:64}{line.target:12}{line.found}")


if __name__ == "__main__":
    sys.exit(main())
