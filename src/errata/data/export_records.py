"""Our records to a file in a foreign format with its images, or to a folder that is ready for the Hub.

Rows in an order that lets a reader tell every column's type from the first of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from errata.data.dataset_card import CARD_FILE, Tally, render_card
from errata.data.formats import FORMATS, Format, WriteContext, find_format
from errata.data.reading import OnBad
from errata.data.rows import Row, write_parquet, write_shards
from errata.errors import DataError
from errata.images import check_image, encode_plainly, resolve_image
from errata.records import BadRow, Record, record_to_row
from errata.storage import format_line, remove_file, replacing, write_json_array, write_json_lines, write_text

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


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote: the files, the rows in them, and how often it dropped what the format cannot hold."""

    files: list[Path]
    rows: int
    dropped: Counter[str] = field(default_factory=Counter)


def export_records(
    records: Iterable[Record],
    image_root: str | Path,
    out: str | Path,
    *,
    format: str,
    on_bad: OnBad | None = None,
) -> ExportSummary:
    """Write records to a file in a foreign format, or to a folder with a card that `datasets` and the Hub load.

    Args:
        records: Read once, a record at a time.
        image_root: Where their relative image paths start.
        out: A file with the format's ending, or a folder. Images, where the format does not embed them, are copied to
            `images/` beside the rows.
        format: A name of docs/formats.md that can be written.
        on_bad: Called with every record that the format cannot hold or whose image does not open, which is then left
            out; without it the first one raises.

    Raises:
        DataError: A format that is only read, a record that it cannot hold, or an image that does not open. Nothing
            new is left then but image files.
        StorageError: The place cannot be written.
    """
    known = _find_writer(format)
    path = Path(out)
    if path.suffix:
        _require_ending(path, known)
        return _export_file(_Source(records, Path(image_root), on_bad), path, known)
    return _export_folder(_Source(records, Path(image_root), on_bad), path, known)


@dataclass(frozen=True, slots=True)
class _Source:
    """Records, where their images are, and what becomes of those that cannot be written."""

    records: Iterable[Record]
    image_root: Path
    on_bad: OnBad | None


def _export_file(source: _Source, path: Path, known: Format) -> ExportSummary:
    rows, context = _build_rows(source, known, path.parent)
    if known.schema is not None:
        write_parquet(path, known.schema, rows)
    elif known.ending == "jsonl":
        write_json_lines(path, rows if known.leads is None else lead_with(rows, known.leads))
    else:
        write_json_array(path, rows)
    beside = known.write_beside(path, context.number) if known.write_beside is not None else []
    return ExportSummary([path, *beside], context.number, +context.dropped)


def _export_folder(source: _Source, folder: Path, known: Format) -> ExportSummary:
    """The card is written last: a folder without one is not whole."""
    remove_file(folder / CARD_FILE)
    tally = Tally()
    counted = replace(source, records=tally.count(source.records))
    if known.schema is None:
        done = _export_file(counted, folder / f"train.{known.ending}", known)
        files, pattern = done.files, f"train.{known.ending}"
    else:
        rows, context = _build_rows(counted, known, folder)
        files = write_shards(folder / "data", known.schema, rows)
        done = ExportSummary(files, context.number, +context.dropped)
        pattern = "data/train-*.parquet"
    card = render_card(folder.resolve().name, known, tally, done.rows, done.dropped, pattern)
    write_text(folder / CARD_FILE, card)
    return ExportSummary([*files, folder / CARD_FILE], done.rows, done.dropped)


def _build_rows(source: _Source, known: Format, folder: Path) -> tuple[Iterator[Row], WriteContext]:
    images = _Images(source.image_root, folder, plainly=not known.is_own)
    context = WriteContext(images.embed, images.place)
    return _count(_iterate_rows(source, known, context), context), context


def _require_ending(path: Path, known: Format) -> None:
    if path.suffix != f".{known.ending}":
        fix = "name such a file, or a folder"
        raise DataError(str(path), expected=f"a file that ends in .{known.ending}", found=path.suffix, fix=fix)


def list_writers() -> list[str]:
    """The names of the formats that can be written."""
    return [known.name for known in FORMATS if known.write_row is not None]


def _find_writer(name: str) -> Format:
    known = find_format(name)
    if known.write_row is None:
        expected = f"a format that can be written: {', '.join(list_writers())}"
        raise DataError("--format", expected=expected, found=repr(name), fix="choose one (docs/formats.md)")
    return known


def _iterate_rows(source: _Source, known: Format, context: WriteContext) -> Iterator[Row]:
    assert known.write_row is not None
    for record in source.records:
        dropped = context.dropped.copy()
        try:
            rows = list(known.write_row(record, context))
        except DataError as error:
            named = _name_record(error, record)
            if source.on_bad is None:
                raise named from None
            context.dropped = dropped
            source.on_bad(
                BadRow(f"record {record.id!r}", str(named), json.dumps(record_to_row(record), ensure_ascii=False))
            )
            continue
        yield from rows


def _name_record(error: DataError, record: Record) -> DataError:
    """The error with the record's id as its place."""
    place = f"record {record.id!r}"
    named = error if error.where.startswith(place) else error.within(place)
    named.can_skip = True
    return named


def _count(rows: Iterator[Row], context: WriteContext) -> Iterator[Row]:
    for row in rows:
        yield row
        context.number += 1


class _Images:
    """The images of records on their way into a table or into a folder.

    For other tools, a picture that a plain reading would show otherwise than people saw it (16 bits, transparent,
    turned by EXIF, …) is written as they saw it, as PNG.
    """

    def __init__(self, root: Path, folder: Path, *, plainly: bool) -> None:
        self._root, self._folder, self._plainly = root, folder, plainly

    def embed(self, image: str) -> dict[str, Any]:
        data, name = self._read(image)
        return {"bytes": data, "path": Path(name).name}

    def place(self, image: str) -> str:
        """A path below the root stays as it is, one elsewhere is named by its content."""
        data, path = self._read(image)
        inside = not Path(image).is_absolute() and ".." not in Path(image).parts
        name = path if inside else f"images/{sha256(data).hexdigest()[:32]}{Path(path).suffix}"
        target = self._folder / name
        if not (target.is_file() and target.samefile(resolve_image(image, self._root))):
            with replacing(target) as temporary:
                temporary.write_bytes(data)
        return name

    def _read(self, image: str) -> tuple[bytes, str]:
        """The file's bytes and path; of one that is written anew, `PATH.png`."""
        try:
            data = resolve_image(image, self._root).read_bytes()
        except OSError as error:
            found = error.strerror or str(error)
            raise DataError(
                image, expected="a readable image", found=found, fix="check --image-root", code="image"
            ) from None
        if not self._plainly:
            check_image(data, image)
            return data, image
        plain = encode_plainly(data, image)
        return plain, image if plain is data else f"{image}.png"
