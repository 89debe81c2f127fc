"""The repairs that change nothing anybody meant: see `REPAIRS`.

They work on rows as JSON, since many a row that needs one is no record yet. A row that needs none, and a row that
nothing here helps, stays as it is, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from errata.data.checks.repair_markup import cut_end_tokens, cut_opening, mark_pictures, unwrap_messages, unwrap_prompt
from errata.data.checks.repair_row import clean_texts, count_levels_anew, find_lost_segments, remove_nul, to_nfc
from errata.data.import_records import find_records_file
from errata.data.reading import find_foreign_format
from errata.data.rows import read_source_names
from errata.errors import DataError
from errata.records import parse_record
from errata.storage import iterate_lines, parse_line, replacing

REPAIRS = {
    "duplicate": "rows left out that, once repaired, repeat an earlier one in everything, the id included",
    "nul": "NUL characters taken out, offsets of segments moved along",
    "not-nfc": "texts put into NFC (only when asked), offsets of segments moved along",
    "rendered": "questions that a chat template has rendered taken out of it, and what it writes before an answer",
    "messages": "questions and answers that were one message as text, in JSON or as Python prints it, as its words",
    "image-mark": "marks of pictures replaced by <image> where they name each picture once; their order is the marks'",
    "end-token": "tokens that end texts taken from the ends of answers",
    "levels": "answers sorted best first, levels counted from 0 without a gap",
    "segment": "segments outside their texts found anew by the word-level difference; those that stay keep their types",
}
"""What can be repaired, under the kinds of `findings.FINDING_KINDS`."""


Step = Callable[[Any], Any]
"""From a row to the row with one kind of trouble less."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One row that was changed or left out: how (a key of `REPAIRS`), and its `file:line` before."""

    kind: str
    where: str


@dataclass(frozen=True, slots=True)
class RepairedFile:
    """What was repaired, the file that holds the result, and the copy of what it replaced, if it did."""

    repairs: list[Repair]
    path: Path
    backup: Path | None


def repair_file(path: str | Path, out: str | Path | None = None, *, nfc: bool = False) -> RepairedFile:
    """Make the safe repairs of a file of records.

    Args:
        path: Our JSON lines, or a folder with them.
        out: The file to write; None replaces the file, whole or not at all, after a copy `….bak` of it was made.
            Without anything to repair, nothing is replaced.
        nfc: Also put texts into NFC.

    Raises:
        DataError: No such file, one of another format, or a list of pictures' names beside it that is none.
        StorageError: The place cannot be written.
    """
    path = Path(path)
    path = find_records_file(path)
    foreign = find_foreign_format(path)
    if foreign is not None:
        fix = "run `errata data import` first"
        raise DataError(str(path), expected="our own records to repair", found=f"the format {foreign.name}", fix=fix)
    if out is not None and Path(out).resolve() == path.resolve():
        out = None
    repairs: list[Repair] = []
    steps = _list_steps(path, nfc)
    for _ in _repair_lines(path, steps, repairs):
        pass
    target = Path(out) if out is not None else path
    if out is None and not repairs:
        return RepairedFile(repairs, path, None)
    backup = _copy_beside(path) if out is None else None
    with replacing(target) as temporary, temporary.open("wb") as file:
        file.writelines(line + b"\n" for line in _repair_lines(path, steps, []))
    return RepairedFile(repairs, target, backup)


def _copy_beside(path: Path) -> Path:
    number, backup = 1, path.with_name(f"{path.name}.bak")
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.bak{number}")
    with replacing(backup) as temporary:
        shutil.copyfile(path, temporary)
    return backup


def _list_steps(path: Path, nfc: bool) -> list[tuple[str, Step]]:
    """Every repair with its kind, in the order they are made. Raises DataError on names of pictures that are none."""
    steps: list[tuple[str, Step]] = [("nul", lambda row: clean_texts(row, remove_nul))]
    steps += [("not-nfc", lambda row: clean_texts(row, to_nfc))] if nfc else []
    steps += [("levels", count_levels_anew)]  # from here on the best answer, in which segments point, stands first
    steps += [("messages", unwrap_messages), ("rendered", unwrap_prompt), ("rendered", cut_opening)]
    steps += [("image-mark", partial(mark_pictures, names=read_source_names(path.parent)))]
    return [*steps, ("end-token", cut_end_tokens), ("segment", find_lost_segments)]


def _repair_lines(path: Path, steps: Sequence[tuple[str, Step]], repairs: list[Repair]) -> Iterator[bytes]:
    """The lines to write; what is done is appended to `repairs`."""
    seen: set[bytes] = set()
    for where, line in iterate_lines(path):
        try:
            row = parse_line(where, line)
        except DataError:
            yield line
            continue
        repaired, kinds = _repair_row(row, where, steps)
        content = hashlib.sha256(json.dumps(repaired, sort_keys=True).encode()).digest()
        if content in seen:
            repairs.append(Repair("duplicate", where))
            continue
        seen.add(content)
        repairs += (Repair(kind, where) for kind in kinds)
        yield json.dumps(repaired, ensure_ascii=False).encode() if kinds else line


def _repair_row(row: Any, where: str, steps: Sequence[tuple[str, Step]]) -> tuple[Any, list[str]]:
    """The row after all repairs and their kinds; as it was where they would make a record that can be read none."""
    repaired, kinds = row, []
    for kind, step in steps:
        changed = _try(step, repaired)
        if changed != repaired:
            repaired = changed
            kinds.append(kind)
    if kinds and _is_record(row, where) and not _is_record(repaired, where):
        return row, []
    return repaired, list(dict.fromkeys(kinds))


def _try(step: Callable[[Any], Any], row: Any) -> Any:
    """What the step makes of the row; a row of another form is none that it can help."""
    try:
        return step(row)
    except (AttributeError, IndexError, KeyError, TypeError):
        return row


def _is_record(row: Any, where: str) -> bool:
    try:
        parse_record(row, where)
    except DataError:
        return False
    return True
