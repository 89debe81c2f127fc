"""How long a command takes to start: wall time and peak memory beside an interpreter that has imported numpy.

    python perf/start.py                   a table, exit code 1 when a line is missed; half a minute
    python perf/start.py --source FOLDER   of the package in another folder, such as an older checkout's src
    python perf/start.py --json            the same as JSON
    python perf/start.py --quick           one round, to see that everything runs; no demands

Every command is a process of its own, and the commands take turns, so that other work on the machine slows all of them
alike; a ratio is of the fastest rounds. `score` reads and scores 9,000 POPE answers, `compare` two such results, and
`check` 1,000 records. The first round writes the bytecode and does not count. Linux: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pairs import write_own

ANSWERS, RECORDS, ROUNDS = 9_000, 1_000, 7
QUESTIONS_PER_IMAGE = 6
OBJECTS = ("cat", "dog", "car", "cup", "bed", "bus")
MOST, MAX_MB = 1.5, 150
"""Times the interpreter's own start, and memory."""
SCORING_S = 0.1
IMPORTS = ("errata.cli.metrics", "errata.pipelines.evaluate", "errata.pipelines.compare", "errata.reports")

_REPORT = """
import sys
if sys.argv[1:2] == ["import"]:
    import importlib
    for name in sys.argv[2:]:
        importlib.import_module(name)
elif sys.argv[1:]:
    from errata.cli.main import main
    out, sys.stdout = sys.stdout, open("/dev/null", "w")
    try:
        code = main(sys.argv[1:])
    except SystemExit as stopped:
        code = stopped.code
    sys.stdout = out
    assert code in (0, 3), code
else:
    import numpy
with open("/proc/self/status") as status:  # not ru_maxrss: a process starts with the peak of the one that started it
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)
"""


@dataclass(frozen=True)
class Line:
    """A command against the bare interpreter."""

    name: str
    seconds: float
    mb: float
    ratio: float
    target_s: float | None

    @property
    def met(self) -> bool:
        """Whether it starts fast enough and small enough."""
        return self.target_s is None or (self.seconds <= self.target_s and self.mb <= MAX_MB)


def write_inputs(folder: Path) -> dict[str, list[str]]:
    """POPE's three question files, two sets of answers and a file of records; the commands that read them."""
    answers: dict[str, list[dict[str, object]]] = {"a": [], "b": []}
    for setting in ("random", "popular", "adversarial"):
        rows = [
            {
                "question_id": number + 1,
                "image": f"COCO_val2014_{number // QUESTIONS_PER_IMAGE:012d}.jpg",
                "text": f"Is there a {OBJECTS[number % QUESTIONS_PER_IMAGE]} in the image?",
                "label": ("yes", "no")[number % 2],
            }
            for number in range(ANSWERS // 3)
        ]
        write_rows(folder / f"coco_pope_{setting}.json", rows)
        for share, said in zip((5, 7), answers.values(), strict=True):
            said += [
                {"question_id": row["question_id"], "category": setting, "answer": ("Yes", "No")[number % share == 0]}
                for number, row in enumerate(rows)
            ]
    for name, said in answers.items():
        write_rows(folder / f"{name}.jsonl", said)
    write_own(folder / "records.jsonl", RECORDS)
    scores = [["score", "pope", f"{folder / name}.jsonl", "--data", str(folder)] for name in answers]
    scored = [[*score, "--out", str(folder / name)] for score, name in zip(scores, answers, strict=True)]
    run_once(scored[1], None)  # what `compare` compares with
    return {
        "--help": ["--help"],
        "imports of score and compare": ["import", *IMPORTS],
        f"score pope, {ANSWERS:,} answers": scored[0],
        "compare of two such results": ["compare", str(folder / "a"), str(folder / "b"), "--out", str(folder / "both")],
        f"data check --no-images, {RECORDS:,} records": ["data", "check", str(folder / "records.jsonl"), "--no-images"],
    }


def write_rows(path: Path, rows: Sequence[object]) -> None:
    """JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def run_once(command: list[str], source: str | None) -> tuple[float, float]:
    """Seconds from the start of the process to its end, and its peak memory in MB; an empty command imports numpy."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if source:
        environment["PYTHONPATH"] = source
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, *command], capture_output=True, text=True, check=False, env=environment
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    return seconds, float(done.stdout.splitlines()[-1])


def measure(source: str | None, rounds: int) -> list[Line]:
    """Every command beside the interpreter, the fastest of the rounds that count."""
    with tempfile.TemporaryDirectory(prefix="errata-perf-") as folder:
        commands = {"numpy": list[str]()} | write_inputs(Path(folder))
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, command in commands.items():
                measured = run_once(command, source)
                if number:
                    found[name].append(measured)
    best = {name: (min(s for s, _ in each), max(mb for _, mb in each)) for name, each in found.items()}
    bare_s, bare_mb = best.pop("numpy")
    lines = [Line("interpreter that imported numpy", bare_s, bare_mb, 1.0, None)]
    for name, (seconds, mb) in best.items():
        target = MOST * bare_s + (SCORING_S if name.startswith("score") else 0)
        lines.append(Line(name, seconds, mb, seconds / bare_s, target))
    return lines


def main() -> int:
    """Print every line; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help="the folder that holds the package `errata` to be measured")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    lines = measure(args.source, 1 if args.quick else ROUNDS)
    if args.json:
        print(json.dumps([asdict(line) | {"met": line.met} for line in lines], indent=1))
    else:
        for line in lines:
            target = f"target <= {line.target_s:.2f} s, {MAX_MB} MB" if line.target_s else ""
            mark = "" if args.quick or line.met else "   MISSED"
            print(f"{line.name:46}{line.seconds:7.2f} s {line.ratio:6.2f} x {line.mb:6.0f} MB   {target}{mark}")
    return 0 if args.quick or all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
