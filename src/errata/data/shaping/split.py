"""Records into parts, so that no picture is on two sides.

Some of the records, chosen by a seed.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from errata.data.reading import OnBad
from errata.data.shaping.folders import ImageRule, RecordFile, RecordFolder, writing_folder
from errata.data.shaping.groups import ImageGroup, group_by_image
from errata.errors import ConfigError, DataError, count_noun
from errata.records import Record


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a split: its name, and its size in records or as a share of all. `None` takes what the others leave."""

    name: str
    size: int | float | None


def split_records(
    source: RecordFile,
    out: str | Path,
    parts: Sequence[Part],
    *,
    seed: int = 0,
    look_distance: int | None = None,
    images: ImageRule = "link",
    on_bad: OnBad | None = None,
) -> dict[str, RecordFolder]:
    """Write `out`/NAME/records.jsonl for every part. Records that share a picture go to the same one.

    Which group of records goes where depends on the seed and its ids, not on the order of the file. The sizes are
    exact unless groups are too large to fill them.

    Args:
        source: What is split.
        out: The folder of the parts' folders.
        parts: Two or more; sizes are shares that sum to 1, or counts with one part of size None.
        seed: Another number, another split.
        look_distance: Bits in which pictures that look alike may differ; None compares bytes alone.
        images: How pictures come into the folders; with `none`, missing ones are compared by path.
        on_bad: Called with every record that cannot be used, which is then left out; without it the first one raises.

    Raises:
        ConfigError: Sizes that cannot be, or a name twice.
        DataError: A part would be empty.
    """
    _check_parts(parts)
    groups = group_by_image(source, need_files=images != "none", look_distance=look_distance, on_bad=on_bad)
    total = sum(len(group.ids) for group in groups)
    part_of = _assign(groups, count_sizes(parts, total), seed)
    _require_filled(source, parts, part_of)
    with ExitStack() as stack:
        folders = [
            stack.enter_context(writing_folder(Path(out) / part.name, source, images=images, on_bad=on_bad))
            for part in parts
        ]
        for record in source.read_again():
            if record.id in part_of:
                folders[part_of[record.id]].write(record, source)
    return {part.name: folder for part, folder in zip(parts, folders, strict=True)}


def count_sizes(parts: Sequence[Part], total: int) -> list[int]:
    """Records for every part; shares are rounded so that they sum to `total`, the largest remainder first.

    Raises:
        ConfigError: More records than there are.
    """
    sizes = [part.size for part in parts]
    if all(isinstance(size, float) for size in sizes):
        return round_shares([float(size or 0) for size in sizes], total)
    given = sum(size for size in sizes if size is not None)
    if given >= total:
        fix = "ask for fewer, or give shares with --fractions"
        raise ConfigError("split", expected=f"fewer than the {total} records there are", found=f"{given}", fix=fix)
    return [int(total - given if size is None else size) for size in sizes]


def round_shares(shares: Sequence[float], total: int) -> list[int]:
    """Whole numbers in proportion to shares, which sum to `total`; the largest remainders are rounded up."""
    scale = total / sum(shares) if total else 0.0
    exact = [share * scale for share in shares]
    sizes = [math.floor(value) for value in exact]
    order = sorted(range(len(shares)), key=lambda number: (sizes[number] - exact[number], number))
    for number in order[: total - sum(sizes)]:
        sizes[number] += 1
    return sizes


def shuffle_key(seed: int, name: str) -> bytes:
    """Sorting by this shuffles: the place depends on seed and name, not on what else is sorted."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _assign(groups: Sequence[ImageGroup], sizes: Sequence[int], seed: int) -> dict[str, int]:
    """Record id -> number of its part. The largest part takes what does not fit into the others."""
    largest = max(range(len(sizes)), key=sizes.__getitem__)
    room = {number: size for number, size in enumerate(sizes) if number != largest}
    part_of: dict[str, int] = {}
    for group in sorted(groups, key=lambda group: shuffle_key(seed, min(group.ids))):
        number = next((number for number, left in room.items() if 0 < len(group.ids) <= left), largest)
        if number != largest:
            room[number] -= len(group.ids)
        part_of.update(dict.fromkeys(group.ids, number))
    return part_of


def _check_parts(parts: Sequence[Part]) -> None:
    names = [part.name for part in parts]
    sizes = [part.size for part in parts]
    shares = [size for size in sizes if isinstance(size, float)]
    problem = ""
    if len(parts) < 2 or len(set(names)) < len(names):
        problem = "two or more parts with names of their own"
    elif not all(name and name == Path(name).name and name not in (".", "..") for name in names):
        problem = "names that are folder names"
    elif any(not (math.isfinite(size) and size > 0) for size in sizes if size is not None):
        problem = "sizes above 0"
    elif shares and (len(shares) < len(sizes) or abs(sum(shares) - 1) > 1e-6):
        problem = "shares that sum to 1"
    elif not shares and sizes.count(None) != 1:
        problem = "one part that takes the rest"
    if problem:
        found = ", ".join(f"{part.name}: {'the rest' if part.size is None else part.size}" for part in parts)
        fix = "write for example --fractions 0.9,0.1 --names train,test"
        raise ConfigError("split", expected=problem, found=found or "none", fix=fix)


def _require_filled(source: RecordFile, parts: Sequence[Part], part_of: dict[str, int]) -> None:
    for number, part in enumerate(parts):
        if number not in part_of.values():
            raise DataError(
                str(source.path),
                expected=f"records for part {part.name!r}",
                found=f"{count_noun(len(part_of), 'record')} in groups that share pictures, none of them small enough",
                fix="make the part larger, or bring more images",
            )


def sample_records(
    source: RecordFile,
    out: str | Path,
    size: int | float,
    *,
    by_image: bool = False,
    stratify: Callable[[Record], str] | None = None,
    seed: int = 0,
    images: ImageRule = "link",
    on_bad: OnBad | None = None,
) -> RecordFolder:
    """Write some records, in the order they had.

    Which are chosen depends on the seed and their ids, not on the order of the file; a larger sample with the same
    seed contains the smaller one unless it is stratified.

    Args:
        source: What is sampled.
        out: The folder to write.
        size: How many (int), or the share of all (float above 0, at most 1).
        by_image: `size` counts pictures, and every record of a chosen picture comes along.
        stratify: What to keep the proportions of, such as the source; of a picture, that of its first record.
        seed: Another number, another sample.
        images: How pictures come into the folder; with `none`, missing ones are compared by path.
        on_bad: Called with every record that cannot be used, which is then left out; without it the first one raises.

    Raises:
        ConfigError: A size that cannot be.
    """
    units: list[ImageGroup] = []
    if by_image:
        units = group_by_image(source, need_files=images != "none", on_bad=on_bad)
    records = source.read_again() if by_image else source.read(on_bad)
    strata = {record.id: stratify(record) if stratify else "" for record in records}
    units = units if by_image else [ImageGroup((name,)) for name in strata]
    chosen = _choose(units, strata, _count(size, len(units)), seed)
    with writing_folder(out, source, images=images, on_bad=on_bad) as folder:
        for record in source.read_again():
            if record.id in chosen:
                folder.write(record, source)
    return folder


def _count(size: int | float, total: int) -> int:
    if isinstance(size, float) and 0 < size <= 1 and round(size * total):
        return round(size * total)
    if isinstance(size, int) and 0 < size <= total:
        return size
    expected = f"a number from 1 to {total}, or a share above 0 and at most 1"
    raise ConfigError("sample", expected=expected, found=str(size), fix="ask for another number")


def _choose(units: Sequence[ImageGroup], strata: dict[str, str], count: int, seed: int) -> set[str]:
    """Ids of the chosen units: of every stratum its share, the first ones of its shuffled order."""
    members: dict[str, list[ImageGroup]] = defaultdict(list)
    for unit in units:
        members[strata[unit.ids[0]]].append(unit)
    names = sorted(members)
    sizes = round_shares([len(members[name]) for name in names], count) if names else []
    chosen: set[str] = set()
    for name, size in zip(names, sizes, strict=True):
        shuffled = sorted(members[name], key=lambda unit: shuffle_key(seed, min(unit.ids)))
        chosen.update(found for unit in shuffled[:size] for found in unit.ids)
    return chosen
