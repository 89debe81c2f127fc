"""Several files of records as one folder.

The records that a condition keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errata.data.reading import FreeIds, OnBad
from errata.data.shaping.folders import ImageRule, RecordFile, RecordFolder, writing_folder
from errata.errors import ConfigError
from errata.records import Record


@dataclass(frozen=True, slots=True)
class Merged:
    """What was written, and for each source how many records of it and how many ids had to change."""

    folder: RecordFolder
    records: tuple[int, ...]
    renamed: tuple[int, ...]


def merge_records(
    sources: Sequence[RecordFile], out: str | Path, *, images: ImageRule = "link", on_bad: OnBad | None = None
) -> Merged:
    """Write the records of all sources in their order, each with an id of its own.

    An id that was taken gets a number behind it; the record then says under `meta.merged` what it was called and in
    which file. `source`, `license` and everything else stay as they are. Two pictures of the same name both stay.

    Args:
        sources: What is merged.
        out: The folder to write.
        images: How pictures come into the folder. `none` needs sources with the same image root.
        on_bad: Called with every record that cannot be used, which is then left out; without it the first one raises.

    Raises:
        ConfigError: Image roots that differ while no pictures are brought.
    """
    if images == "none" and len({source.root.resolve() for source in sources}) > 1:
        fix = "leave --images out, or give one --image-root for all"
        raise ConfigError("merge", expected="one image root", found="several, and --images none", fix=fix)
    ids, renamed, written = FreeIds(), Counter[int](), Counter[int]()
    with writing_folder(out, *sources, images=images, on_bad=on_bad) as folder:
        for number, source in enumerate(sources):
            for record in source.read(on_bad):
                name = ids.take(record.id)
                if name != record.id:
                    renamed[number] += 1
                    record = replace(record, id=name, meta=_add_origin(record, source))
                before = folder.count
                folder.write(record, source)
                written[number] += folder.count - before
    numbers = range(len(sources))
    return Merged(folder, tuple(written[n] for n in numbers), tuple(renamed[n] for n in numbers))


def _add_origin(record: Record, source: RecordFile) -> dict[str, Any]:
    """The record's `meta` with what it was called where; that of an earlier merge moves inside."""
    origin: dict[str, Any] = {"id": record.id, "file": source.path.as_posix()}
    if "merged" in record.meta:
        origin["merged"] = record.meta["merged"]
    return record.meta | {"merged": origin}


def write_filtered(
    source: RecordFile,
    out: str | Path,
    keep: Callable[[Record], bool],
    *,
    images: ImageRule = "link",
    on_bad: OnBad | None = None,
) -> RecordFolder:
    """Write the records for which `keep` is true, in their order.

    Args:
        source: The records.
        out: The folder to write.
        keep: A condition, such as `parse_filter` makes.
        images: How pictures come into the folder.
        on_bad: Called with every record that cannot be used, which is then left out; without it the first one raises.
    """
    with writing_folder(out, source, images=images, on_bad=on_bad) as folder:
        for record in source.read(on_bad):
            if keep(record):
                folder.write(record, source)
    return folder
