"""What ms-swift 4.6 does with a preference file, for tests where ms-swift itself is not installed.

It loads the file with `datasets`, so that a column which a row lacks is null there; deletes rows whose
`rejected_response` is null or says what the better answer says, and rows whose messages lack a role or a text; and
keeps the columns that it knows. `read_with_ms_swift` is the real one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets

ROLES = {"system", "user", "tool_call", "tool_response", "tool", "assistant"}
COLUMNS = ("messages", "images", "rejected_messages", "rejected_images", "rejected_response")


def read_like_ms_swift(path: Path, cache: Path) -> list[dict[str, Any]]:
    """The rows that are left, with the columns that count."""
    table = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(cache))
    return [_keep(row) for row in table if _is_whole(row)]


def read_with_ms_swift(path: Path) -> list[dict[str, Any]]:
    """The same by ms-swift's own reader."""
    from swift.dataset import load_dataset

    table, _ = load_dataset([str(path)], load_from_cache_file=False)
    return [_keep(row) for row in table]


def _is_whole(row: dict[str, Any]) -> bool:
    messages = row["messages"]
    if not messages:
        return False
    if "rejected_response" in row and row["rejected_response"] in (None, messages[-1]["content"]):
        return False
    return all(message["role"] in ROLES and message["content"] is not None for message in messages)


def _keep(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: row.get(name) for name in COLUMNS}
    for name in ("messages", "rejected_messages"):
        kept[name] = [(turn["role"], turn["content"]) for turn in kept[name] or ()]
    for name in ("images", "rejected_images"):
        kept[name] = [image["path"] if isinstance(image, dict) else image for image in kept[name] or ()]
    return kept
