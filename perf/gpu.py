"""A training step on a GPU at the size of LLaVA-1.5-7B with random weights, against TRL and AMP's way.

    python perf/gpu.py                            a table, exit code 1 when a line is missed; about half an hour
    python perf/gpu.py --only full-2-80,headline  some of it: full or lora, K, R, -gc with gradient checkpointing
    python perf/gpu.py --json                     the same as JSON
    python perf/gpu.py --quick                    a tiny model, also on a CPU; its figures mean nothing

All weights are bfloat16, so that TRL's two whole models and their optimizer fit one GPU; a step is one row of
samples. Tokens are counted as if every response had its prompt to itself, alike for all methods. The share of the GPU's
peak (MFU) counts the multiplications of `theory` and nothing that checkpointing computes again. The demands are for
R = 80 without checkpointing; the gain that is possible shrinks with R. Errata runs with the attention that `auto`
chooses, and once more with the split.

`headline` times 50 steps of LLaVA-1.5-13B and extrapolates RLHF-V's whole run, reference pass included. Muffin, which
the paper trained, sees 64 tokens of an image of 448 pixels where this shape sees 576.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from statistics import median

import torch

from errata.trees import choose_attention
from peers import STEPS, ErrataStep, Step
from place import Place
from step import Line, print_lines
from theory import count_step
from toy import QUICK, Toy, build_samples

LLAVA_7B = Toy(4096, 32, 11008, 32, vision_hidden=1024, vision_layers=23, vocabulary=32000)
LLAVA_13B = replace(LLAVA_7B, hidden=5120, layers=40, mlp=13824, heads=40, response=90)
"""RLHF-V's answers have 64 words."""
PAIRS, EPOCHS, HEADLINE_STEPS, HEADLINE_MINUTES = 1401, 7, 50, 25.0
PEAK_TFLOPS = {"H100": 989.0, "H200": 989.0, "A100": 312.0}
"""Dense bfloat16, by a word of the device's name; the SXM cards."""
PEERS = {2: ("trl", "amp"), 4: ("amp",)}
"""By K. TRL compares pairs alone."""
GAINS, MFU = {(2, "trl"): 2.2, (4, "amp"): 4.0}, 0.45
WARM_UP = 2


@dataclass(frozen=True)
class Setting:
    """What is trained on what."""

    lora: bool
    responses: int
    length: int
    checkpointing: bool

    @property
    def name(self) -> str:
        """Such as `lora-4-300-gc`."""
        kind = "lora" if self.lora else "full"
        return f"{kind}-{self.responses}-{self.length}" + ("-gc" if self.checkpointing else "")

    @property
    def demands(self) -> bool:
        """Whether the targets are for it."""
        return self.length == 80 and not self.checkpointing


SETTINGS = {
    each.name: each for each in (Setting(*row) for row in product((False, True), (2, 4), (80, 300), (False, True)))
}


@dataclass(frozen=True)
class Measured:
    """The median step in seconds, its peak memory in GB (none on a CPU), and the loss."""

    seconds: float
    peak_gb: float
    loss: float


def measure(build: Callable[[], Step], steps: int) -> Measured | None:
    """Build a method, run its steps and let it go; None where it does not fit."""
    try:
        return _run(build(), steps)
    except torch.OutOfMemoryError:
        return None
    finally:
        gc.collect()
        torch.cuda.empty_cache()


def _run(step: Step, steps: int) -> Measured:
    for _ in range(WARM_UP):
        loss = step.run()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    seconds = [clock(step.run) for _ in range(steps)]
    peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
    return Measured(median(seconds), peak, loss)


def clock(work: Callable[[], object]) -> float:
    """Wall seconds until the device is done."""
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure_setting(
    setting: Setting, toy: Toy, place: Place, samples: int, steps: int, peak: float | None
) -> list[Line]:
    """Every method on the same samples."""
    given = build_samples(toy, samples, setting.responses)
    place = replace(place, checkpointing=setting.checkpointing)

    def run(method: str, place: Place) -> Measured | None:
        return measure(lambda: STEPS[method](toy, given, lora=setting.lora, place=place), steps)

    found = {"errata": run("errata", place)} | {peer: run(peer, place) for peer in PEERS[setting.responses]}
    if place.attention != "split":
        found["errata, split"] = run("errata", replace(place, attention="split"))
    lengths = [[len(response.input_ids) for response in sample.responses] for sample in given]
    tokens = sum(toy.prefix + length for own in lengths for length in own)
    lines = [describe(setting.name, method, each, tokens) for method, each in found.items()]
    lines += [compare(setting, found["errata"], other, each) for other, each in found.items() if other != "errata"]
    flops = 2 * count_step(toy, "errata", lengths, lora=setting.lora)
    return [*lines, compare_to_peak(setting, found["errata"], flops, peak)]


def describe(name: str, method: str, found: Measured | None, tokens: int) -> Line:
    """Speed and memory of one method."""
    label = f"{name}: {method}"
    if found is None:
        return Line(label, "", "out of memory")
    values = {"seconds": found.seconds, "peak_gb": found.peak_gb, "loss": found.loss, "tokens": tokens}
    told = f"{tokens / found.seconds:,.0f} tokens/s, {found.seconds:.3f} s, peak {found.peak_gb:.1f} GB"
    return Line(label, "", told, values=values)


def compare(setting: Setting, ours: Measured | None, peer: str, theirs: Measured | None) -> Line:
    """The gain over a peer; a demand that could not be measured is not met."""
    target = GAINS.get((setting.responses, peer)) if setting.demands else None
    label, wanted = f"{setting.name}: vs {peer}", f">= {target} x" if target else ""
    if ours is None or theirs is None:
        return Line(label, wanted, "not measured: out of memory", met=target is None)
    gain = theirs.seconds / ours.seconds
    return Line(label, wanted, f"{gain:.2f} x", target is None or gain >= target, {"gain": gain})


def compare_to_peak(setting: Setting, found: Measured | None, flops: float, peak: float | None) -> Line:
    """MFU: multiplications and additions of a step by what the device could do in its time."""
    label, wanted = f"{setting.name}: MFU", f">= {MFU:.0%}" if setting.demands else ""
    if found is None or peak is None:
        reason = "out of memory" if found is None else "the device's peak is unknown; give --peak-tflops"
        return Line(label, wanted, f"not measured: {reason}", met=not setting.demands)
    share = flops / found.seconds / (peak * 1e12)
    return Line(label, wanted, f"{share:.0%}", not setting.demands or share >= MFU, {"mfu": share})


def measure_headline(toy: Toy, place: Place, samples: int, steps: int) -> Line:
    """Minutes of RLHF-V's run: whole weights, gradient checkpointing; an optimizer step with every row, which is more
    often than its 32 records need."""
    label, wanted = f"RLHF-V's run, 13B, from {steps} steps", f"<= {HEADLINE_MINUTES:g} min"
    reference: list[float] = []

    def build() -> Step:
        step = ErrataStep(toy, build_samples(toy, samples, 2), lora=False, place=replace(place, checkpointing=True))
        reference.extend(clock(lambda: step.score_reference(step.model)) for _ in range(2))
        return step

    found = measure(build, steps)
    if found is None:
        return Line(label, wanted, "not measured: out of memory", met=False)
    minutes = PAIRS / samples * (EPOCHS * found.seconds + min(reference)) / 60
    values = {"minutes": minutes, "seconds": found.seconds, "reference": min(reference), "peak_gb": found.peak_gb}
    told = f"{minutes:.1f} min ({samples} pairs in {found.seconds:.2f} s, peak {found.peak_gb:.1f} GB)"
    return Line(label, wanted, told, minutes <= HEADLINE_MINUTES, values)


def find_peak(stated: float | None) -> float | None:
    """TFLOP/s of the device in bfloat16, where they are stated or known."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return stated or next((value for word, value in PEAK_TFLOPS.items() if word in name), None)


def build_parser() -> argparse.ArgumentParser:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join([*SETTINGS, "headline"]), help="parts, separated by commas")
    parser.add_argument("--samples", type=int, default=4, help="samples of a row (default: 4)")
    parser.add_argument("--steps", type=int, default=10, help="timed steps of every method (default: 10)")
    parser.add_argument("--peak-tflops", type=float, help="of the device in bfloat16, where its name is not known")
    parser.add_argument("--quick", action="store_true", help="a tiny model, two steps, no demands")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main() -> int:
    """Measure, print, and say by the exit code whether every line was met."""
    parser = build_parser()
    args = parser.parse_args()
    parts = args.only.split(",")
    if unknown := set(parts) - {*SETTINGS, "headline"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join([*SETTINGS, 'headline'])}")
    if not (args.quick or torch.cuda.is_available()):
        parser.error("this needs a GPU; --quick shows on a CPU that everything runs")
    warnings.simplefilter("ignore")  # of libraries about their own future
    device = "cuda" if torch.cuda.is_available() else "cpu"
    attention = choose_attention("auto", torch.device(device), torch.bfloat16)
    place, peak = Place(device, torch.bfloat16, attention=attention), find_peak(args.peak_tflops)
    lines: list[Line] = []
    for part in parts:
        if part == "headline":
            steps = 2 if args.quick else HEADLINE_STEPS
            lines.append(measure_headline(QUICK if args.quick else LLAVA_13B, place, 2 * args.samples, steps))
        else:
            toy = QUICK if args.quick else replace(LLAVA_7B, response=SETTINGS[part].length)
            steps = 2 if args.quick else args.steps
            lines += measure_setting(SETTINGS[part], toy, place, args.samples, steps, peak)
        print(f"{part} measured", file=sys.stderr, flush=True)
    print_lines(lines, as_json=args.json, quick=args.quick)
    return 0 if args.quick or all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
