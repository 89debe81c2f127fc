"""Records that say the same about the same picture, once."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from errata.data.reading import OnBad
from errata.data.shaping.folders import ImageRule, RecordFile, RecordFolder, find_image, writing_folder
from errata.data.shaping.pictures import LOOK_DISTANCE, LookIndex, hash_file, hash_file_look
from errata.errors import ConfigError, DataError
from errata.records import IMAGE_PLACEHOLDER, Record
from errata.storage import writing_json_lines

Trait = Literal["image", "look", "prompt", "text"]
TRAITS: tuple[Trait, ...] = ("image", "look", "prompt", "text")
DUPLICATES_FILE = "duplicates.jsonl"


@dataclass(slots=True)
class Deduplicated:
    """The folder that was written, how many records were left out as duplicates, of how many others, and the report."""

    folder: RecordFolder
    report: Path
    removed: int = 0
    kept: set[str] = field(default_factory=set)


def write_distinct(
    source: RecordFile,
    out: str | Path,
    same: Sequence[Trait] = ("image", "text"),
    *,
    look_distance: int = LOOK_DISTANCE,
    images: ImageRule = "link",
    on_bad: OnBad | None = None,
) -> Deduplicated:
    """Write every record that repeats none before it, and duplicates.jsonl: who repeats whom, and why.

    Args:
        source: The records.
        out: The folder to write.
        same: In what a duplicate agrees with a record that was kept, in all of it: `image` the exact bytes of every
            picture, `look` how they look, `prompt` the prompt's text, `text` the prompt's and the responses' texts.
            Texts are compared in Unicode's compatibility form, without case, image placeholders and kinds of white
            space.
        look_distance: Bits in which pictures that look alike may differ.
        images: How pictures come into the folder.
        on_bad: Called with every record that cannot be used, which is then left out; without it the first one raises.

    Raises:
        ConfigError: Nothing to compare.
    """
    if not same or not set(same) <= set(TRAITS):
        fix = "write for example --same image,text"
        raise ConfigError("dedup", expected=f"some of {', '.join(TRAITS)}", found=", ".join(same) or "none", fix=fix)
    finder = _Finder(same, source.root, look_distance, images != "none")
    with writing_folder(out, source, images=images, on_bad=on_bad) as folder:
        result = Deduplicated(folder, Path(out) / DUPLICATES_FILE)
        with writing_json_lines(result.report) as report:
            for record in source.read(on_bad):
                try:
                    found = finder.find_or_keep(record)
                except DataError as error:
                    source.set_aside(record, error, on_bad)
                    continue
                if found is None:
                    folder.write(record, source)
                else:
                    report({"id": record.id, "same": list(same)} | found)
                    result.removed += 1
                    result.kept.add(found["kept"])
    return result


class _Finder:
    """Remembers the records that were kept by what they are compared by."""

    def __init__(self, same: Sequence[Trait], root: Path, look_distance: int, need_files: bool) -> None:
        self._same, self._root, self._distance, self._need_files = same, root, look_distance, need_files
        self._kept: dict[tuple[Any, ...], str] = {}
        self._looks: dict[tuple[Any, ...], tuple[LookIndex, list[tuple[str, list[int]]]]] = {}
        self._files: dict[tuple[str, str], Any] = {}

    def find_or_keep(self, record: Record) -> dict[str, Any] | None:
        """What the record repeats, or None, and it is remembered. Raises DataError when a picture cannot be read."""
        if not record.images and not {"prompt", "text"} & set(self._same):
            return None
        for image in record.images if self._need_files else ():
            self._measure("file", image)  # a record that cannot be written must not stand for others
        key = self._build_key(record)
        if "look" in self._same and record.images:
            return self._find_alike(record, key)
        first = self._kept.setdefault(key, record.id)
        return None if first == record.id else {"kept": first}

    def _build_key(self, record: Record) -> tuple[Any, ...]:
        key: list[Any] = [len(record.images)] if {"image", "look"} & set(self._same) else []
        if "image" in self._same:
            key += [self._measure("bytes", image) for image in record.images]
        if "prompt" in self._same or "text" in self._same:
            key += [(turn.role, normalise_text(turn.text)) for turn in record.prompt]
        if "text" in self._same:
            key += [
                (one.level, *((turn.role, normalise_text(turn.text)) for turn in one.turns)) for one in record.responses
            ]
        return tuple(key)

    def _find_alike(self, record: Record, key: tuple[Any, ...]) -> dict[str, Any] | None:
        """Compare with the kept records of the same key: their first pictures narrow down, all must be near."""
        looks = [self._measure("look", image) for image in record.images]
        index, kept = self._looks.setdefault(key, (LookIndex(self._distance), []))
        for _, number in index.find(looks[0]):
            first, others = kept[number]
            distances = [(own ^ other).bit_count() for own, other in zip(looks, others, strict=True)]
            if max(distances) <= self._distance:
                return {"kept": first, "bits_apart": max(distances)}
        index.add(looks[0])
        kept.append((record.id, looks))
        return None

    def _measure(self, what: str, image: str) -> Any:
        if (what, image) not in self._files:
            self._files[what, image] = _MEASURES[what](find_image(image, self._root))
        return self._files[what, image]


_MEASURES: dict[str, Callable[[Path], Any]] = {"file": str, "bytes": hash_file, "look": hash_file_look}


def normalise_text(text: str) -> str:
    """A text for comparison: compatibility form, no case, no image placeholders, single blanks."""
    plain = unicodedata.normalize("NFKC", text.replace(IMAGE_PLACEHOLDER, " "))
    return " ".join(unicodedata.normalize("NFKC", plain.casefold()).split())
