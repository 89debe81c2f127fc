"""What `Record.meta` has one value per response of moves and goes with the responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from errata.records import Record


def move_values(record: Record, places: Sequence[int]) -> dict[str, Any]:
    """The ratings that levels were made of, and what auto-check found, for the responses that were at these places.

    Args:
        record: As it was.
        places: Of the responses that stay, in their new order.

    Returns:
        Entries for `meta`; without those that are not one value per response.
    """
    levelled = record.meta.get("levels_by")
    names = levelled.get("ratings", ()) if isinstance(levelled, dict) else ()
    count = len(record.responses)
    moved: dict[str, Any] = {name: _move(record.meta.get(name), places, count) for name in names}
    checked = record.meta.get("auto_check")
    if isinstance(checked, dict):
        columns = {name: _move(values, places, count) for name, values in checked.items()}
        moved["auto_check"] = {name: checked[name] if values is None else values for name, values in columns.items()}
    return {name: values for name, values in moved.items() if values is not None}


def _move(values: Any, places: Sequence[int], count: int) -> list[Any] | None:
    return [values[place] for place in places] if isinstance(values, list) and len(values) == count else None
