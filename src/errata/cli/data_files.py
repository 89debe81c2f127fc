"""Which files the verbs that look at records take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from errata.errors import DataError

if TYPE_CHECKING:
    from errata.records import Record


def require_jsonl(path: Path) -> Path:
    """The path, unless it is a table: looking at data must not write image files beside it."""
    from errata.data import find_records_file

    if path.suffix in (".parquet", ".arrow"):
        fix = f"run `errata data import {path} --out DIR` first"
        raise DataError(str(path), expected="records as JSON lines", found=f"a {path.suffix[1:]} file", fix=fix)
    return find_records_file(path)


def read_jsonl(path: Path) -> list[Record]:
    """The records of a file that is looked at."""
    from errata.data import load_records

    return load_records(require_jsonl(path)).records
