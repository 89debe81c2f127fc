"""Rows in an order that lets a reader tell every column's type from the first of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from tempfile import TemporaryFile

from errata.data.containers import Row
from errata.records import format_line

HEAD_BYTES = 10 << 20
"""How much of a file of JSON lines `datasets` reads before it decides on the types of its columns: an empty list says
nothing about what the lists behind it hold, and a text in one of them is then an error."""


def lead_with(rows: Iterable[Row], leads: Callable[[Row], bool]) -> Iterator[Row]:
    """The rows in their order; where none of the first `HEAD_BYTES` leads, the first that does comes before them."""
    remaining = iter(rows)
    with TemporaryFile() as held:
        leader = None
        for number, row in enumerate(remaining):
            if leads(row):
                leader = row
                break
            held.write(format_line(f"row {number}", row).encode())
        is_late = held.tell() >= HEAD_BYTES
        if leader is not None and is_late:
            yield leader
        held.seek(0)
        yield from map(json.loads, held)
        if leader is not None and not is_late:
            yield leader
    yield from remaining
