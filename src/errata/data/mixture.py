"""Several files as one data set, each seen as often as its weight says."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from errata.data.import_records import RECORDS_FILE
from errata.data.open_dataset import LoadedRecords, Portion, load_records
from errata.data.reading import OnBad
from errata.errors import ConfigError, DataError
from errata.images import resolve_image
from errata.records import BadRow, Record

MAX_WEIGHT = 1000.0
"""A weight above this is a slip of the pen."""


@dataclass(frozen=True)
class DataPart:
    """One part of a mixture.

    Args:
        path: What `load_records` reads.
        weight: How often an epoch sees each of its records: 2 twice, 0.5 half of them, drawn anew for every epoch.
        image_root: Where its relative image paths start; None is what the run says, or the folder of the file.
    """

    path: Path
    weight: float = 1.0
    image_root: Path | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and 0 < self.weight <= MAX_WEIGHT):
            raise ConfigError(
                f"data: weight of {self.path}",
                expected=f"a number above 0, at most {MAX_WEIGHT:g}",
                found=repr(self.weight),
                fix="leave the part out, or say how often an epoch sees each of its records",
            )


def load_mixture(
    parts: Sequence[DataPart],
    image_root: str | Path | None = None,
    *,
    import_dir: str | Path,
    ignore: Collection[str] = (),
    on_bad: OnBad | None = None,
) -> LoadedRecords:
    """Read all parts, in order. Ids begin with the name of their part, images are absolute paths.

    Args:
        parts: At least one.
        image_root: Where the relative image paths of a part start that says nothing itself.
        import_dir: Where the images of parquet files are written, in a folder for each part.
        ignore: Columns of foreign data that are left out of all parts as if they were not there.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.

    Raises:
        ConfigError: No part.
        DataError: As `load_records`; or an image path that leads out of its root, or to no file.
    """
    if not parts:
        raise ConfigError("data", expected="a file or a list of them", found="an empty list", fix="add a path")
    records: list[Record] = []
    portions: list[Portion] = []
    for name, part in zip(_name_parts(parts), parts, strict=True):
        folder = Path(import_dir) / name
        root = part.image_root or image_root
        loaded = load_records(part.path, root, import_dir=folder, ignore=ignore, on_bad=on_bad)
        placed = list(_place(loaded, name, on_bad))
        records += placed
        portions.append(Portion(len(placed), part.weight))
    return LoadedRecords(records, Path(Path.cwd().anchor), tuple(portions))


def _name_parts(parts: Sequence[DataPart]) -> Iterator[str]:
    """The name of each file or imported folder, with a number where it occurred before."""
    seen: set[str] = set()
    for part in parts:
        stem = part.path.parent.name if part.path.name == RECORDS_FILE else part.path.stem
        name, number = stem or "data", 1
        while name in seen:
            number += 1
            name = f"{stem}.{number}"
        seen.add(name)
        yield name


def _place(loaded: LoadedRecords, name: str, on_bad: OnBad | None) -> Iterator[Record]:
    """Records that can stand beside those of other parts: a mixture has no image root of its own."""
    for record in loaded.records:
        try:
            images = tuple(str(_find_image(image, loaded.image_root)) for image in record.images)
        except DataError as error:
            refused = error.within(f"record {record.id!r}")
            if on_bad is None:
                refused.can_skip = True
                raise refused from None
            on_bad(BadRow(refused.where, str(refused), ""))
            continue
        yield replace(record, id=f"{name}/{record.id}", images=images)


def _find_image(image: str, root: Path) -> Path:
    """The file of an image path, looked for here, as nobody knows behind a mixture which root it started in."""
    file = resolve_image(image, root)
    if not file.is_file():
        fix = f"check the path and the image root {root}"
        raise DataError(image, expected="a readable image", found="no such file", fix=fix, code="image")
    return file
