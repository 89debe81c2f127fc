"""One way into every format: recognise a file, read it, and know where its images are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errata.data.conversation_files import holds_conversations, read_conversations
from errata.data.conversations import is_conversation, record_from_conversation, store_images
from errata.data.free_ids import FreeIds
from errata.data.parquet import count_rows, list_columns, read_parquet
from errata.data.rlhfv import is_rlhfv, record_from_rlhfv
from errata.data.trl import is_trl, record_from_trl
from errata.errors import DataError
from errata.records import BadRow, Record, read_records, write_records

RECORDS_FILE = "records.jsonl"
OnBad = Callable[[BadRow], None]
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Portion:
    """So many records that follow one another, and how often an epoch of training sees each."""

    count: int
    weight: float


@dataclass(frozen=True, slots=True)
class LoadedRecords:
    """Records and the folder that their relative image paths start from.

    `portions` are the parts of a mixture in their order; none where an epoch sees every record once.
    """

    records: list[Record]
    image_root: Path
    portions: tuple[Portion, ...] = ()


def load_records(
    path: str | Path,
    image_root: str | Path | None = None,
    *,
    import_dir: str | Path | None = None,
    on_bad: OnBad | None = None,
) -> LoadedRecords:
    """Read our JSON lines, an imported folder, conversations as JSON or JSON lines, or a parquet file.

    A parquet file has RLHF-V's or TRL's form or holds conversations; see `conversations.py` for theirs.

    Args:
        path: The file, or a folder that `errata data import` wrote.
        image_root: Where relative image paths start; None is the folder of the file.
        import_dir: Where the images of a parquet file are written; None is a folder beside it. A second call finds
            them there.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.

    Raises:
        DataError: No such file, a format that is not known, or a bad row, with its place.
    """
    path = Path(path)
    if (path / RECORDS_FILE).is_file():
        path = path / RECORDS_FILE
    elif path.is_dir():
        fix = "name the file, or run `errata data import` on a folder of parquet files"
        raise DataError(
            str(path), expected=f"a file, or a folder with {RECORDS_FILE}", found="a folder without", fix=fix
        )
    if path.suffix == ".parquet":
        folder = Path(import_dir or path.with_suffix(".errata"))
        return LoadedRecords(import_records(path, folder, on_bad=on_bad), folder)
    root = Path(image_root or path.parent)
    if holds_conversations(path):
        return LoadedRecords(read_conversations(path, root, on_bad), root)
    return LoadedRecords(read_records(path, on_bad=on_bad), root)


def import_records(
    source: str | Path,
    out: str | Path,
    *,
    license: str | None = None,
    on_bad: OnBad | None = None,
    on_progress: OnProgress | None = None,
) -> list[Record]:
    """Convert a parquet file, or a folder of them, to `out`/records.jsonl and `out`/images/.

    Rows are read a few at a time. Images have their content's hash as name, so a killed import continues.

    Args:
        source: A `.parquet` file in RLHF-V's or TRL's form or of conversations, or a folder of such files.
        out: The folder to write.
        license: Written into every record, where the source says nothing.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.
        on_progress: Called with "rows", how many are done, and how many there are.

    Raises:
        DataError: A format that is not known, or a bad row, with its place.
        StorageError: `out` cannot be written.
    """
    records: list[Record] = []
    ids = FreeIds()
    files = _list_files(Path(source))
    total = sum(count_rows(file) for file in files)
    for number, (where, row, convert) in enumerate(_iterate_rows(files), 1):
        if on_progress is not None:
            on_progress("rows", number, total)
        try:
            record = convert(row, where, out)
        except DataError as error:
            if on_bad is None:
                error.can_skip = True
                raise
            on_bad(BadRow(where, str(error), json.dumps(row, ensure_ascii=False, default=_describe_bytes)))
            continue
        records.append(replace(record, id=ids.take(record.id), license=record.license or license))
    write_records(Path(out) / RECORDS_FILE, records)
    return records


Convert = Callable[[dict[str, Any], str, str | Path], Record]


def _list_files(source: Path) -> list[Path]:
    files = sorted(source.glob("*.parquet")) if source.is_dir() else [source]
    if not files:
        raise DataError(str(source), expected="parquet files in it", found="none", fix="name the file or its folder")
    return files


def _iterate_rows(files: list[Path]) -> Iterator[tuple[str, dict[str, Any], Convert]]:
    for file in files:
        convert = _find_converter(file)
        for where, row in read_parquet(file):
            yield where, row, convert


def _find_converter(file: Path) -> Convert:
    columns = list_columns(file)
    if is_rlhfv(columns):
        return record_from_rlhfv
    if is_trl(columns):
        return _convert_trl
    if is_conversation(columns):
        return _convert_conversation
    raise DataError(
        str(file),
        expected="the columns of RLHF-V (text, image), of TRL (images, prompt, chosen, rejected) or conversations",
        found="columns " + ", ".join(columns),
        fix="rename the columns, or write our JSON lines (docs/records.md)",
    )


def _convert_trl(row: dict[str, Any], where: str, out: str | Path) -> Record:
    record = record_from_trl(row, where, Path(out) / "images", embedded=True)
    number = where.rpartition(" ")[2]
    return replace(record, id=str(row.get("id") or f"trl-{number}"), images=tuple(f"images/{i}" for i in record.images))


def _convert_conversation(row: dict[str, Any], where: str, out: str | Path) -> Record:
    number = where.rpartition(" ")[2]
    return record_from_conversation(row, where, store_images(row, where, out), f"conversation-{number}")


def _describe_bytes(value: Any) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
