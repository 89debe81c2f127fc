"""Some of the records, chosen by a seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from errata.data.reading import OnBad
from errata.data.shaping.folders import ImageRule, RecordFolder, writing_folder
from errata.data.shaping.groups import ImageGroup, group_by_image
from errata.data.shaping.record_file import RecordFile
from errata.data.shaping.split import round_shares, shuffle_key
from errata.errors import ConfigError
from errata.records import Record


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
