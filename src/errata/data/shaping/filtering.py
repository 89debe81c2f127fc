"""The records that a condition keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from errata.data.reading import OnBad
from errata.data.shaping.folders import ImageRule, RecordFolder, writing_folder
from errata.data.shaping.record_file import RecordFile
from errata.records import Record


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
