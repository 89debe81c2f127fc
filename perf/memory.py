"""Step memory of one method, alone in its process.

    python perf/memory.py errata --responses 2

Prints JSON in MB: `state` after imports and a step (weights, gradients, optimizer), `peak` of the next steps (the
kernel's VmHWM, set back in between), `step` their difference. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

VOCABULARY = 32_000


def measure_memory(method: str, responses: int, *, quick: bool) -> dict[str, float]:
    """Run this file in a process of its own."""
    command = [sys.executable, __file__, method, "--responses", str(responses), *(["--quick"] if quick else [])]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def run_method(method: str, responses: int, *, quick: bool) -> dict[str, float]:
    """A warm-up step, then the peak of two more."""
    from peers import STEPS
    from toy import QUICK, Toy, build_samples

    toy = QUICK if quick else replace(Toy(), vocabulary=VOCABULARY)
    step = STEPS[method](toy, build_samples(toy, 1, responses), lora=False, keep_gradients=True)
    step.run()
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed but kept for later is no state
    Path("/proc/self/clear_refs").write_text("5")
    state = read_status("VmRSS")
    for _ in range(2):
        step.run()
    peak = read_status("VmHWM")
    return {"state": state, "peak": peak, "step": peak - state}


def read_status(name: str) -> float:
    """A line of /proc/self/status in MB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        sys.exit(f"this kernel does not tell {name}")
    return int(found.group(1)) / 1024


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method")
    parser.add_argument("--responses", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a model of two thin layers")
    args = parser.parse_args()
    print(json.dumps(run_method(args.method, args.responses, quick=args.quick)))


if __name__ == "__main__":
    main()
