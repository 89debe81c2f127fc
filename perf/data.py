"""What handling data must reach, measured: the memory and the speed of an import, beside `datasets` reading the file.

    python perf/data.py                 a table, exit code 1 when a line is missed; some minutes and 13 GB of disk
    python perf/data.py --rows 10000    fewer rows; memory is what it is, as nothing of it may grow with them
    python perf/data.py --json          the same as JSON
    python perf/data.py --quick         a few rows, to see that everything runs; its figures mean nothing

The file is RLAIF-V's form: rows of one 50 kB JPEG and two answers of some sixty words, half of which they share. Every
measurement is a process of its own, which reports its wall time and the most memory that it ever held.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROWS = 83_000
"""As many as RLAIF-V's release has."""

IMAGE_BYTES = 50_000
MAX_MB = 600
LEAST_SHARE = 0.25

_REPORT = """
import json, resource, sys, time
start = time.perf_counter()
{body}
seconds = time.perf_counter() - start
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"rows": count, "seconds": seconds, "mb": memory}}))
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


@dataclass(frozen=True)
class Line:
    """One figure. `target` is empty where nothing is demanded."""

    name: str
    target: str
    found: str
    met: bool = True
    values: dict[str, Any] = field(default_factory=dict)


def measure_import(rows: int) -> list[Line]:
    """The import's memory and its speed beside both ways of `datasets`."""
    with tempfile.TemporaryDirectory(prefix="errata-perf-") as folder:
        path = Path(folder) / "rows.parquet"
        write_rows(path, rows)
        size_mb = path.stat().st_size / 1e6
        print(f"{rows} rows written, {size_mb:.0f} MB", file=sys.stderr, flush=True)
        warm_up(path)
        found = {name: run(body, path, Path(folder) / name) for name, body in BODIES.items()}
    ours = found["import"]
    name = f"import of {rows} rows, {size_mb:.0f} MB"
    lines = [Line(f"{name}: peak memory", f"< {MAX_MB} MB", f"{ours['mb']:.0f} MB", ours["mb"] < MAX_MB, ours)]
    for peer, least in (("datasets", LEAST_SHARE), ("datasets, streaming", None)):
        share = ours["rows"] / ours["seconds"] / (found[peer]["rows"] / found[peer]["seconds"])
        text = f"{100 * share:.0f} % ({found[peer]['rate']:.0f} -> {ours['rate']:.0f} rows/s)"
        target = f">= {100 * least:.0f} %" if least else ""
        lines.append(Line(f"{name}: speed of {peer}", target, text, least is None or share >= least, found[peer]))
    return lines


def run(body: str, path: Path, out: Path) -> dict[str, float]:
    """Rows, seconds, megabytes and rows a second of a program in a process of its own."""
    command = [sys.executable, "-c", _REPORT.format(body=body), str(path), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{out.name} measured: {found}", file=sys.stderr, flush=True)
    return found | {"rate": found["rows"] / found["seconds"]}


def warm_up(path: Path) -> None:
    """Read the file once, so that nobody is the first."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def write_rows(path: Path, rows: int) -> None:
    """RLAIF-V's columns; every picture differs in its last bytes, which stand behind its end mark."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from errata.data.formats.rlaifv import SCHEMA

    rng, picture = random.Random(0), build_picture()
    with pq.ParquetWriter(path, SCHEMA, compression="none") as writer:
        for start in range(0, rows, 100):
            group = [build_row(number, picture, rng) for number in range(start, min(start + 100, rows))]
            writer.write_table(pa.Table.from_pylist(group, SCHEMA))


def build_row(number: int, picture: bytes, rng: random.Random) -> dict[str, Any]:
    """A pair whose answers share half of their sentences."""
    sentences = [build_sentence(rng) for _ in range(rng.randint(3, 9))]
    other = [sentence if rng.random() < 0.5 else build_sentence(rng) for sentence in sentences]
    other[0] = build_sentence(rng)
    return {
        "ds_name": "RLAIF-V",
        "image": {"bytes": picture + number.to_bytes(4, "big"), "path": f"{number}.jpg"},
        "question": "Please describe this image in detail.",
        "chosen": " ".join(sentences),
        "rejected": " ".join(other),
        "origin_dataset": "COCO",
        "origin_split": json.dumps({"model": "LLaVA", "type": "detailed_description"}),
        "idx": str(number),
        "image_path": f"coco/{number}.jpg",
    }


def build_sentence(rng: random.Random) -> str:
    """Ten words or so, rare ones rarely (Zipf's law)."""
    words = [f"word{int(rng.paretovariate(0.8))}" for _ in range(rng.randint(6, 14))]
    return " ".join(words).capitalize() + "."


def build_picture() -> bytes:
    """A JPEG of noise, about as large as asked."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (336, 448, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    return min((encode(image, quality) for quality in range(5, 95, 5)), key=lambda data: abs(len(data) - IMAGE_BYTES))


def encode(image: Any, quality: int) -> bytes:
    """The file's bytes at a quality of JPEG."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


PARTS = {"import": measure_import}


def measure(parts: list[str], rows: int) -> Iterator[Line]:
    """The chosen parts in their order."""
    for part in parts:
        yield from PARTS[part](rows)


def main() -> int:
    """Measure, print, and say by the exit code whether every line was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas (default: all)")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of the imported file (default: {ROWS})")
    parser.add_argument("--quick", action="store_true", help="200 rows, no demands")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    parts = args.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    lines = list(measure(parts, 200 if args.quick else args.rows))
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
