"""`dataset_info.json`: where LLaMA-Factory looks up a data set's file and the names of its columns, keys and roles."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from errata.data.containers import Row
from errata.errors import DataError, quote
from errata.records import parse_line, write_text

INFO_FILE = "dataset_info.json"
_FIX = f"fix {INFO_FILE}, or move it away where the file has its usual names"

COLUMNS = {"messages": "conversations", "prompt": "instruction", "query": "input"} | {
    name: name for name in ("chosen", "rejected", "system", "history", "images")
}
"""What a column is for, as the entry calls it, and its name in our rows and in those without an entry."""

TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt", "system_tag": "system"}


def find_entry(path: Path) -> dict[str, Any] | None:
    """The ranking entry for a file in the `dataset_info.json` beside it, or None without one.

    Raises:
        DataError: A `dataset_info.json` that is not one.
    """
    info = path.parent / INFO_FILE
    try:
        changed = info.stat().st_mtime_ns
    except OSError:
        return None
    entries = _read_info(info, changed).values()
    return next((entry for entry in entries if entry.get("ranking") and entry.get("file_name") == path.name), None)


def write_entry(path: Path, _rows: int) -> list[Path]:
    """Add the entry for a file of our rows to the `dataset_info.json` beside it; the others stay as they are.

    It is named like the file, or like its folder where the file is the only one, `train.json`.
    """
    info = path.parent / INFO_FILE
    entries = _read_info(info, info.stat().st_mtime_ns) if info.is_file() else {}
    columns = {name: COLUMNS[name] for name in ("messages", "chosen", "rejected", "images")}
    entry = {"file_name": path.name, "formatting": "sharegpt", "ranking": True, "columns": columns, "tags": TAGS}
    name = re.sub(r"[^\w.-]+", "_", path.stem if path.stem != "train" else path.resolve().parent.name)
    write_text(info, json.dumps(entries | {name: entry}, indent=2, ensure_ascii=False) + "\n")
    return [info]


def rename_columns(row: Row, entry: Mapping[str, Any], where: str) -> Row:
    """A row with the usual names, by its file's entry.

    Raises:
        DataError: An entry whose `columns` or `tags` are no objects of texts.
    """
    columns, tags = (_read_names(entry, name, where) for name in ("columns", "tags"))
    names = {columns[purpose]: name for purpose, name in COLUMNS.items() if purpose in columns}
    renamed = {names.get(name, name): value for name, value in row.items()}
    if entry.get("formatting") != "sharegpt":
        return renamed
    for name in ("chosen", "rejected"):
        renamed[name] = _rename_message(renamed.get(name), TAGS | tags)
    messages = renamed.get("conversations")
    if isinstance(messages, list):
        renamed["conversations"] = [_rename_message(message, TAGS | tags) for message in messages]
    return renamed


@lru_cache(maxsize=16)
def _read_info(info: Path, _changed: int) -> dict[str, dict[str, Any]]:
    """The entries; `_changed` is the file's time stamp, so that another version is read again."""
    try:
        entries = parse_line(str(info), info.read_bytes())
    except OSError as error:
        found = error.strerror or str(error)
        raise DataError(str(info), expected="a readable file", found=found, fix="check the file", code="file") from None
    if not isinstance(entries, dict):
        raise DataError(str(info), expected="an object of data sets", found=type(entries).__name__, fix=_FIX)
    # `datasets` writes a file of this name too, whose values are no entries.
    return {name: entry for name, entry in entries.items() if isinstance(entry, dict)}


def _read_names(entry: Mapping[str, Any], name: str, where: str) -> dict[str, str]:
    names = entry.get(name) or {}
    if not isinstance(names, Mapping) or not all(isinstance(value, str) for value in names.values()):
        rule = f"{name!r} of its entry in {INFO_FILE} as an object of texts"
        raise DataError(where, expected=rule, found=quote(names), fix=_FIX)
    return dict(names)


def _rename_message(message: Any, tags: Mapping[str, str]) -> Any:
    if not isinstance(message, Mapping):
        return message
    roles = {tags[tag]: TAGS[tag] for tag in ("user_tag", "assistant_tag", "system_tag")}
    role = message.get(tags["role_tag"])
    return {"from": roles.get(role, role) if isinstance(role, str) else role, "value": message.get(tags["content_tag"])}
