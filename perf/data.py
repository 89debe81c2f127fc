"""What handling data must reach, measured: import (beside `datasets` reading the file), check, and the page of browse.

    python perf/data.py                 a table, exit code 1 when a line is missed; some minutes and 13 GB of disk
    python perf/data.py --only check    one part of import, check, browse
    python perf/data.py --rows 10000    import fewer rows; memory is what it is, as nothing of it may grow with them
    python perf/data.py --json          the same as JSON
    python perf/data.py --quick         a few rows, to see that everything runs; its figures mean nothing

The imported file is RLAIF-V's form: rows of one 50 kB JPEG and two answers of some sixty words, half of which they
share. Every measurement is a process of its own, which reports its wall time and the most memory that it ever held
(Linux). The page is opened by a headless Chromium (CHROMIUM names another one) and says itself when it was there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pairs import write_own, write_pictures, write_rows

ROWS = 83_000
"""As many as RLAIF-V's release has."""

MAX_MB = 600
LEAST_SHARE = 0.25

CHECKED_ROWS = 100_000
CHECK_S = 20
SHOWN_RECORDS = 5_000
OPEN_S = 3
OPENED = 3
"""Times that the page is opened; the slowest counts."""

QUICK_ROWS = 200

_REPORT = """
import json, sys, time
start = time.perf_counter()
{body}
seconds = time.perf_counter() - start
with open("/proc/self/status") as status:  # not ru_maxrss: a process starts with the peak of the one that started it
    memory = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
print(json.dumps({{"rows": count, "seconds": seconds, "cpu_s": time.process_time(), "mb": memory}}))
"""

BODIES = {
    "import": "from errata.data import import_records\ncount = import_records(sys.argv[1], sys.argv[2]).records",
    "datasets": (
        "import datasets\ndatasets.disable_progress_bars()\n"
        "data = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train', cache_dir=sys.argv[2])\n"
        "count = sum(1 for row in data.cast_column('image', datasets.Image(decode=False)))"
    ),
    "datasets, streaming": (
        "import datasets\n"
        "data = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train', streaming=True)\n"
        "count = sum(1 for row in data.decode(False))"
    ),
}
"""Programs that set `count`; the import of libraries counts for all of them."""

CHECK = (
    "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    "from errata.cli import main\n"
    "code = main(['data', 'check', sys.argv[1], '--no-images'])\n"
    "assert code in (0, 3), code\n"
    "count = int(sys.argv[2])"
)
"""The command on one core; 3 is its exit code where it found something."""

BROWSE = (
    "from errata.cli import main\n"
    "assert main(['data', 'browse', sys.argv[1], '--out', sys.argv[2]]) == 0\n"
    "count = int(sys.argv[3])"
)


@dataclass(frozen=True)
class Line:
    """One figure. `target` is empty where nothing is demanded."""

    name: str
    target: str
    found: str
    met: bool = True
    values: dict[str, Any] = field(default_factory=dict)


def measure_import(rows: int, *, quick: bool) -> list[Line]:
    """The import's memory and its speed beside both ways of `datasets`."""
    rows = QUICK_ROWS if quick else rows
    with tempfile.TemporaryDirectory(prefix="errata-perf-") as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, rows)
        size_mb = path.stat().st_size / 1e6
        print(f"{rows} rows written, {size_mb:.0f} MB", file=sys.stderr, flush=True)
        warm_up(path)
        found = {name: run(name, body, path, Path(folder) / name) for name, body in BODIES.items()}
    ours = found["import"]
    name = f"import of {rows} rows, {size_mb:.0f} MB"
    lines = [Line(f"{name}: peak memory", f"< {MAX_MB} MB", f"{ours['mb']:.0f} MB", ours["mb"] < MAX_MB, ours)]
    for peer, least in (("datasets", LEAST_SHARE), ("datasets, streaming", None)):
        share = ours["rows"] / ours["seconds"] / (found[peer]["rows"] / found[peer]["seconds"])
        text = f"{100 * share:.0f} % ({found[peer]['rate']:.0f} -> {ours['rate']:.0f} rows/s)"
        target = f">= {100 * least:.0f} %" if least else ""
        lines.append(Line(f"{name}: speed of {peer}", target, text, least is None or share >= least, found[peer]))
    return lines


def measure_check(_rows: int, *, quick: bool) -> list[Line]:
    """The command on rows with segments, images left alone, on one core: its CPU seconds, whatever else runs there."""
    rows = QUICK_ROWS if quick else CHECKED_ROWS
    with tempfile.TemporaryDirectory(prefix="errata-perf-") as folder:
        path = Path(folder) / "records.jsonl"
        write_own(path, rows)
        size_mb = path.stat().st_size / 1e6
        found = run("check", CHECK, path, rows)
    name = f"check --no-images of {rows} rows, {size_mb:.0f} MB: time"
    text = f"{found['cpu_s']:.1f} s of CPU ({found['seconds']:.1f} s by the clock, {found['mb']:.0f} MB)"
    return [Line(name, f"< {CHECK_S} s", text, found["cpu_s"] < CHECK_S, found)]


def measure_browse(_rows: int, *, quick: bool) -> list[Line]:
    """The page in a browser: when records could be read, and when all of it was there."""
    records = 20 if quick else SHOWN_RECORDS
    with tempfile.TemporaryDirectory(prefix="errata-perf-") as folder:
        place = Path(folder)
        write_pictures(place, records)
        write_own(place / "records.jsonl", records)
        page = place / "page.html"
        built = run("browse", BROWSE, place / "records.jsonl", page, records)
        size_mb = page.stat().st_size / 1e6
        opened = [open_page(page, place / f"profile-{number}") for number in range(OPENED)]
    name = f"browse of {records} records, page of {size_mb:.0f} MB: opened after"
    if None in opened:
        return [Line(name, f"< {OPEN_S} s", "not measured: no Chromium", met=False, values=built)]
    arrived, shown = (max(times[key] for times in opened if times) / 1000 for key in ("arrived", "shown"))
    text = f"{arrived:.2f} s (records shown after {shown:.2f} s; written in {built['seconds']:.0f} s)"
    values = built | {"arrived_s": arrived, "shown_s": shown}
    return [Line(name, f"< {OPEN_S} s", text, arrived < OPEN_S, values)]


def open_page(page: Path, profile: Path) -> dict[str, float] | None:
    """Milliseconds from asking for the page until records were shown and until it was whole; None without a browser."""
    browser = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if browser is None:
        return None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = [browser, *options, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    noted = dict(re.findall(r'data-(arrived|shown)-ms="(\d+)"', text[: text.index("<head")]))
    print(f"page opened: {noted}", file=sys.stderr, flush=True)
    return {name: float(noted[name]) for name in ("arrived", "shown")}


def run(name: str, body: str, *arguments: object) -> dict[str, float]:
    """Rows, seconds, megabytes and rows a second of a program in a process of its own."""
    command = [sys.executable, "-c", _REPORT.format(body=body), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{name} measured: {found}", file=sys.stderr, flush=True)
    return found | {"rate": found["rows"] / found["seconds"]}


def warm_up(path: Path) -> None:
    """Read the file once, so that nobody is the first."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


PARTS = {"import": measure_import, "check": measure_check, "browse": measure_browse}


def measure(parts: list[str], rows: int, *, quick: bool) -> Iterator[Line]:
    """The chosen parts in their order."""
    for part in parts:
        yield from PARTS[part](rows, quick=quick)


def main() -> int:
    """Measure, print, and say by the exit code whether every line was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas (default: all)")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of the imported file (default: {ROWS})")
    parser.add_argument("--quick", action="store_true", help="a few rows, no demands")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    parts = args.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    lines = list(measure(parts, args.rows, quick=args.quick))
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
