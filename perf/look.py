"""What looking at data must reach, measured: checking 100,000 rows, and opening a page of 5,000 records.

    python perf/look.py             a table, exit code 1 when a line is missed; about four minutes
    python perf/look.py --json      the same as JSON
    python perf/look.py --quick     a hundredth of the rows, to see that everything runs

Rows are like RLAIF-V's after the import: two answers of about 90 words with the segments of the word-level difference.
Pictures are 640 x 480, about 50 kB. The page is opened by the Chromium that `CHROMIUM` names (default: `chromium`);
without one, that line says so.
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
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from errata.corrections import diff_segments
from errata.data import check_file, write_browse_page
from errata.records import Record, Response, Turn, write_records

NOUNS = ("dog", "cat", "table", "red", "blue", "car", "tree", "man", "woman", "window", "left", "street", "two", "cup")
CHECK_ROWS, CHECK_TARGET_S = 100_000, 20.0
PAGE_RECORDS, PAGE_TARGET_S = 5_000, 3.0


def build_records(count: int, seed: int = 0) -> Iterator[Record]:
    """Records of two answers, of which the worse has some five words other than the better one."""
    rng = Random(seed)
    for number in range(count):
        better = rng.choices(NOUNS, k=90)
        worse = [rng.choice(NOUNS) if rng.random() < 0.06 else word for word in better]
        texts = [" ".join(words).capitalize() + "." for words in (better, [*worse, "here"])]
        segments = diff_segments(texts[1], texts[0], type="object")
        responses = (
            Response((Turn("assistant", texts[0]),), 0),
            Response((Turn("assistant", texts[1]),), 1, segments, "a-model"),
        )
        prompt = (Turn("user", f"What can be seen in picture {number}?"),)
        yield Record(f"r{number}", (f"images/{number}.jpg",), prompt, responses, "made", "CC0-1.0")


def measure_check(folder: Path, count: int) -> dict[str, Any]:
    """CPU seconds of `check --no-images`."""
    write_records(folder / "records.jsonl", build_records(count))
    start = time.process_time()
    report = check_file(folder / "records.jsonl", images=False)
    seconds = time.process_time() - start
    if report.records != count or report.findings:
        raise SystemExit(f"{report.records} records, {report.counts}: the rows were meant to be good")
    target = CHECK_TARGET_S * count / CHECK_ROWS
    return {"name": f"check --no-images, {count:,} rows", "seconds": seconds, "target": target, "unit": "CPU s"}


def measure_page(folder: Path, count: int) -> list[dict[str, Any]]:
    """Seconds until the first records of the page can be read, and until all of it has arrived."""
    write_images(folder / "images", count)
    records = list(build_records(count))
    start = time.perf_counter()
    write_browse_page(folder / "page.html", records, folder)
    size = (folder / "page.html").stat().st_size / 1e6
    lines = [{"name": f"browse, writing {count:,} records, {size:.0f} MB", "seconds": time.perf_counter() - start}]
    chromium = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if chromium is None:
        return [*lines, {"name": "browse, opening: no Chromium here", "seconds": float("nan")}]
    shown, whole = open_page(chromium, folder / "page.html")
    lines.append({"name": "browse, first records shown", "seconds": shown, "target": PAGE_TARGET_S})
    return [*lines, {"name": "browse, whole page arrived", "seconds": whole, "target": PAGE_TARGET_S}]


def write_images(folder: Path, count: int) -> None:
    """Pictures of about 50 kB: noise under a gradient, each with its own bytes."""
    folder.mkdir()
    noise = Image.effect_noise((640, 480), 60)
    for number in range(count):
        picture = Image.merge("RGB", (noise, noise.rotate(number % 360), noise.rotate(number % 83)))
        picture.resize((320, 240)).resize((640, 480)).save(folder / f"{number}.jpg", quality=60)


def open_page(chromium: str, page: Path) -> tuple[float, float]:
    """What the page says about itself in a headless browser, in seconds since it was asked for."""
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        command = [chromium, *options, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    times = [re.search(rf'data-{name}-ms="(\d+)"', result.stdout[:4000]) for name in ("shown", "arrived")]
    if None in times:
        raise SystemExit("the page did not come up")
    return tuple(int(found[1]) / 1000 for found in times if found)  # type: ignore[return-value]


def main() -> int:
    """Measure, print, and say whether every target was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows")
    args = parser.parse_args()
    part = 100 if args.quick else 1
    with tempfile.TemporaryDirectory() as name:
        lines = [measure_check(Path(name), CHECK_ROWS // part), *measure_page(Path(name), PAGE_RECORDS // part)]
    for line in lines:
        line["met"] = "target" not in line or line["seconds"] < line["target"]
    if args.json:
        print(json.dumps(lines, indent=1))
    else:
        for line in lines:
            wanted = f"target {line['target']:.1f}" if "target" in line else ""
            missed = "" if line["met"] else "MISSED"
            print(f"{line['name']:44} {line['seconds']:7.2f} {line.get('unit', 's'):6} {wanted:12} {missed}")
    return 0 if all(line["met"] for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
