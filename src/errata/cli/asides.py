"""Rows that `--skip-bad` set aside: written down, counted, and told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from errata.errors import DONE, INCOMPLETE
from errata.records import BadRow, remove_file, write_json_lines

BAD_ROWS_FILE = "bad_rows.jsonl"


def report_bad_rows(rows: Sequence[BadRow], out: Path) -> int:
    """Write the rows to `out`/bad_rows.jsonl, say so, and return the exit code that they make of a finished verb."""
    path = out / BAD_ROWS_FILE
    if not rows:
        remove_file(path)  # of an earlier run that had some
        return DONE
    write_json_lines(path, (asdict(row) for row in rows))
    print(f"{len(rows)} bad rows set aside: {path}", file=sys.stderr)
    return INCOMPLETE
