"""Which files the verbs that look at records take."""

from __future__ import annotations

from pathlib import Path

from errata.errors import DataError


def require_jsonl(path: Path) -> Path:
    """The path, unless it is a parquet file: looking at data must not write image files beside it."""
    if path.suffix == ".parquet":
        fix = f"run `errata data import {path} --out DIR` first"
        raise DataError(str(path), expected="records as JSON lines", found="a parquet file", fix=fix)
    return path
