"""Records that share a picture belong together: no split or sample by image may part them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from errata.data.reading import OnBad
from errata.data.shaping.folders import RecordFile, find_image, set_aside
from errata.data.shaping.image_files import LookIndex, hash_file, hash_file_look
from errata.errors import DataError

Key = tuple[str, object]


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """Ids of records that share pictures, directly or through others, in the order of the file."""

    ids: tuple[str, ...]


def group_by_image(
    source: RecordFile,
    *,
    read_files: bool = True,
    look_distance: int | None = None,
    on_bad: OnBad | None = None,
) -> list[ImageGroup]:
    """Groups of records with the same picture: by path, by exact bytes, and by look where a distance is given.

    Args:
        source: The records; a record without pictures is a group of its own.
        read_files: Compare the files' bytes too; else paths alone.
        look_distance: Bits in which pictures that look alike may differ.
        on_bad: Called with every record that cannot be used or whose picture is missing, which is then left out.
    """
    records = [(record.id, record.images) for record in source.read(on_bad)]
    index = LookIndex(look_distance) if look_distance is not None and read_files else None
    paths = list(dict.fromkeys(image for _, images in records for image in images))
    keys: dict[str, list[Key] | DataError] = {}
    for number, image in enumerate(paths, 1):
        keys[image] = _find_keys(image, source.root, read_files, index)
        if source.on_progress is not None:
            source.on_progress("images compared", number, len(paths))
    joined = _Joined()
    groups: dict[Key, list[str]] = {}
    usable = [name for name, images in records if _join_images(name, images, keys, joined, on_bad)]
    for name in usable:
        groups.setdefault(joined.find(("record", name)), []).append(name)
    return [ImageGroup(tuple(ids)) for ids in groups.values()]


def _join_images(
    name: str, images: tuple[str, ...], keys: dict[str, list[Key] | DataError], joined: _Joined, on_bad: OnBad | None
) -> bool:
    """Join a record with the keys of its pictures; False where one of them cannot be used."""
    found: list[Key] = []
    for image in images:
        of_image = keys[image]
        if isinstance(of_image, DataError):
            set_aside(name, of_image, on_bad)
            return False
        found += of_image
    for key in found:
        joined.join(("record", name), key)
    return True


def _find_keys(image: str, root: Path, read_files: bool, index: LookIndex | None) -> list[Key] | DataError:
    """What a picture shares with others, or why it cannot be compared."""
    if not read_files:
        return [("path", image)]
    try:
        file = find_image(image, root)
        keys: list[Key] = [("bytes", hash_file(file))]  # of one path, the same bytes
        if index is not None:
            look = hash_file_look(file)
            keys += [("look", number) for _, number in index.find(look)]
            keys.append(("look", index.add(look)))
    except DataError as error:
        return error
    return keys


class _Joined:
    """Sets that grow together (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Key, Key] = {}

    def find(self, key: Key) -> Key:
        path = []
        while (parent := self._parents.get(key, key)) != key:
            path.append(key)
            key = parent
        for passed in path:
            self._parents[passed] = key
        return key

    def join(self, one: Key, other: Key) -> None:
        self._parents[self.find(one)] = self.find(other)
