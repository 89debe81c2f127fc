"""TRL's rows in a program: a `datasets.Dataset` or a list to records, and a record to rows with PIL images."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from errata.data.formats.format import ReadContext
from errata.data.formats.trl import TRL, build_messages
from errata.data.formats.unread import read_records
from errata.data.image_store import ImageStore
from errata.data.reading import describe_reading
from errata.data.segmenting import fill_segments
from errata.errors import DataError
from errata.images import open_image
from errata.records import BadRow, Record

_LOG = logging.getLogger(__name__)


def records_from_trl(
    dataset: Iterable[Mapping[str, Any]],
    image_dir: str | Path,
    *,
    on_bad: Callable[[BadRow], None] | None = None,
) -> list[Record]:
    """Convert rows to records whose pictures lie in `image_dir` under their content's hash.

    Args:
        dataset: The rows, read once; pictures are PIL images, bytes, paths or `{"bytes", "path"}`.
        image_dir: Where pictures are written; records name them relative to this folder.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.
    """
    records: list[Record] = []
    images = ImageStore(image_dir, trusted=True)
    told, unread = Counter[str](), Counter[str]()
    for number, row in enumerate(dataset, 1):
        where = f"row {number}"
        try:
            context = ReadContext(where, Path("trl"), "hub", number, images, told=told, unread=unread)
            records += map(fill_segments, read_records(TRL, dict(row), context))
        except DataError as error:
            if on_bad is None:
                error.can_skip = True
                raise
            on_bad(BadRow(where, str(error), ""))
    for line in describe_reading(+told, unread):
        _LOG.warning("data set: %s", line)
    return records


def record_to_trl(record: Record, image_root: str | Path) -> list[dict[str, Any]]:
    """TRL's rows of a record, one for each answer below level 0; pictures as PIL images, segments are dropped."""
    images = [open_image(image, image_root) for image in record.images]
    return [{"images": images, **row} for row in build_messages(record)]
