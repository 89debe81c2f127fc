"""Rows that `--skip-bad` set aside: written down, counted, and told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from errata.errors import DONE, INCOMPLETE
from errata.records import BadRow, write_bad_rows


def report_bad_rows(rows: Sequence[BadRow], out: Path) -> int:
    """Write the rows to `out`/bad.jsonl, say so, and return the exit code that they make of a finished verb."""
    path = write_bad_rows(out, rows)
    if not rows:
        return DONE
    print(f"{len(rows)} bad rows set aside: {path}", file=sys.stderr)
    return INCOMPLETE
