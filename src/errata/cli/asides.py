"""Rows that `--skip-bad` set aside: counted, and told."""

from __future__ import annotations

import sys
from pathlib import Path

from errata.errors import DONE, INCOMPLETE, count_noun


def report_set_aside(count: int, path: Path) -> int:
    """Say how many rows lie in `path`, if any, and return the exit code that they make of a finished verb."""
    if not count:
        return DONE
    print(f"{count_noun(count, 'bad row')} set aside: {path}", file=sys.stderr)
    return INCOMPLETE
