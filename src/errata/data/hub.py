"""A data set that `datasets` loads by name, from the Hub or a folder, row by row and with its pictures undecoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from errata.data.containers import RawRow, Row
from errata.data.sources import SourceFile
from errata.errors import DataError

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def is_hub_name(source: str | Path) -> bool:
    """Whether a source that is no path here can be the name of a data set: `owner/name`."""
    return _NAME.fullmatch(str(source)) is not None and ".." not in str(source)


def build_hub_source(name: str, split: str = "train") -> SourceFile:
    """A split as rows that stream in; nothing of it is kept on disk.

    Args:
        name: `owner/name` on the Hub, or a folder that `datasets.load_dataset` accepts.
        split: One of its splits.

    Raises:
        DataError: It cannot be reached or has no such split.
    """
    data = build_dataset(name, split)
    splits = data.info.splits or {}
    count = splits[split].num_examples if split in splits else None
    return SourceFile(Path(name), "hub", lambda: _iterate(data, name), lambda: data.column_names, lambda: count or None)


def build_dataset(name: str, split: str) -> Any:
    """A split as `datasets` streams it, pictures as bytes. Raises DataError."""
    import datasets  # takes a second, and most imports do without

    try:
        return datasets.load_dataset(name, split=split, streaming=True).decode(False)
    except Exception as error:  # offline, not found, gated, no such split: each has an exception of its own
        found = (str(error).splitlines() or [type(error).__name__])[0][:300]
        fix = "check the name, the network and `hf auth login`, or download the files and name their folder"
        expected = f"a data set with a split {split!r}, here or on the Hugging Face Hub"
        raise DataError(name, expected=expected, found=found, fix=fix) from None


def _iterate(data: Any, name: str) -> Iterator[RawRow]:
    rows, number = iter(data), 0
    while True:
        number += 1
        try:
            row: Row = next(rows)
        except StopIteration:
            return
        except Exception as error:  # whatever the network or a damaged shard raises
            found = (str(error).splitlines() or [type(error).__name__])[0][:300]
            fix = "give the command again, or download the files"
            raise DataError(f"{name}: row {number}", expected="the next row", found=found, fix=fix) from None
        yield RawRow(f"{name}: row {number}", number, row)
