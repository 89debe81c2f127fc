"""LLaMA-Factory's ranking rows, and the entry of `dataset_info.json` that tells it how to read them.

ShareGPT form: `conversations` (or `messages`) up to the question, `chosen` and `rejected` as one message each, and
`images`. Alpaca form: `instruction`, `input`, `chosen` and `rejected` as texts, perhaps `history` and `system`. Other
names of columns, keys and roles are read from the entry (`dataset_info.py`). It wants exactly one `<image>` per image.

`dataset_info.json`: where LLaMA-Factory looks up a data set's file and the names of its columns, keys and roles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from errata.data.formats.answers import (
    QUESTION_COLUMNS,
    build_levels,
    find_question_messages,
    read_question,
    read_side,
)
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, reads, refuse
from errata.data.formats.parts import (
    STATED,
    TEXT_COLUMNS,
    build_row_record,
    iterate_pairs,
    mark_images,
    unmark_images,
    write_meta,
)
from errata.data.formats.pictures import list_images
from errata.data.formats.vocabulary import CONVERSATIONS, PROMPTS
from errata.data.rows import Row, is_empty
from errata.errors import DataError, quote
from errata.records import Record
from errata.storage import parse_line, write_text

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


_MEDIA = ("<video>", "<audio>")
"""Marks that LLaMA-Factory counts in every text, as it does `<image>`, and compares with the row's films and sounds."""

_NAMES = {"user": "human", "assistant": "gpt", "system": "system"}


def _recognise(sample: Sample) -> bool:
    if find_entry(sample.path) is not None:
        return True
    if not {"chosen", "rejected"} <= sample.names:
        return False
    if is_empty(sample.row.get("prompt")) and not sample.names.isdisjoint(CONVERSATIONS):
        return not any(sample.row.get(name) == sample.row.get("chosen") for name in CONVERSATIONS)
    return "instruction" in sample.names and isinstance(sample.row.get("chosen"), str)


def _rename(row: Row, context: ReadContext) -> Row:
    entry = find_entry(context.path)
    return row if entry is None else rename_columns(row, entry, context.where)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    for name in ("chosen", "rejected"):
        if is_empty(row.get(name)):
            raise context.error(f"{name!r} as a message, a text or a list of them", f"no {name!r}")
    question = read_question(row, context)
    if question is None:
        raise context.error(f"a question under {', '.join((*CONVERSATIONS[:1], *PROMPTS))}", "none")
    images = list_images(row, context, find_question_messages(row))
    sides = [read_side(row[name], name, context) for name in ("chosen", "rejected")]
    if question[-1:] in sides[0]:  # some conversations go on to the better answer
        question = question[:-1]
    prompt, responses = build_levels(question, sides, context)
    yield build_row_record(row, context, images, unmark_images(prompt, len(images)), responses)


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    rounds = max(len(response.rounds) for response in record.responses)
    if rounds > 1:
        raise refuse(record, "answers of one round", f"one of {rounds} rounds")
    _refuse_media(record)
    prompt = [{"from": _NAMES[turn.role], "value": turn.text} for turn in mark_images(record)]
    images = [context.place(image) for image in record.images]
    for name, best, worse in iterate_pairs(record, context):
        yield {
            "id": name,
            "conversations": prompt,
            "chosen": {"from": "gpt", "value": best.text},
            "rejected": {"from": "gpt", "value": worse.text},
            "images": images,
            **write_meta(record),
        }


def _refuse_media(record: Record) -> None:
    texts = [turn.text for turn in (*record.prompt, *(turn for one in record.responses for turn in one.turns))]
    found = next((mark for text in texts for mark in _MEDIA if mark in text), None)
    if found is not None:
        raise refuse(record, f"texts without {found}, for which LLaMA-Factory wants a file", f"{found} in a text")


_TURN = [{"name": "from", "dtype": "string"}, {"name": "value", "dtype": "string"}]

LLAMA_FACTORY = Format(
    "llama-factory",
    "LLaMA-Factory ranking (ShareGPT or Alpaca form)",
    _recognise,
    _read_row,
    reads=reads(*QUESTION_COLUMNS, *STATED, "chosen", "rejected"),
    rename=_rename,
    write_row=_write_row,
    ending="json",
    write_beside=write_entry,
    columns=(
        {"name": "id", "dtype": "string"},
        {"name": "conversations", "list": _TURN},
        {"name": "chosen", "struct": _TURN},
        {"name": "rejected", "struct": _TURN},
        {"name": "images", "list": "string"},
        *TEXT_COLUMNS,
    ),
    usage="Train with `dataset_dir` and `media_dir` set to this folder, and `dataset` to its name in "
    "`dataset_info.json`.",
)
