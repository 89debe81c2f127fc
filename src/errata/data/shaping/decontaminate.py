"""Records whose pictures a benchmark measures with, taken out."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from errata.data.reading import OnBad
from errata.data.rows import read_source_names
from errata.data.shaping.evaluation import EvaluationImages, Match
from errata.data.shaping.folders import ImageRule, RecordFile, RecordFolder, find_image, writing_folder
from errata.data.shaping.pictures import find_name_keys, list_name_keys
from errata.errors import DataError
from errata.records import Record
from errata.storage import writing_json_lines

REMOVED_FILE = "removed.jsonl"


@dataclass(slots=True)
class Decontaminated:
    """The folder that was written, the report, and how many records were removed by (benchmark, reason)."""

    folder: RecordFolder
    report: Path
    removed: Counter[tuple[str, str]] = field(default_factory=Counter)


def write_decontaminated(
    source: RecordFile,
    out: str | Path,
    known: EvaluationImages,
    *,
    images: ImageRule = "link",
    on_bad: OnBad | None = None,
) -> Decontaminated:
    """Write the records whose pictures no benchmark uses, and removed.jsonl: which were removed, and why.

    A picture is compared by the names that the record's image paths, `meta` and an import's `source_names` give it, and
    by its bytes and its look where pictures of the benchmark are known.

    Args:
        source: The records.
        out: The folder to write.
        known: What benchmarks use.
        images: How pictures come into the folder; with `none`, names alone are compared.
        on_bad: Called with every record that cannot be used, which is then left out; without it the first one raises.
    """
    matcher = _Matcher(known, source.root, read_files=images != "none")
    with writing_folder(out, source, images=images, on_bad=on_bad) as folder:
        result = Decontaminated(folder, Path(out) / REMOVED_FILE)
        with writing_json_lines(result.report) as report:
            for record in source.read(on_bad):
                try:
                    found = matcher.find(record)
                except DataError as error:
                    source.set_aside(record, error, on_bad)
                    continue
                if found is None:
                    folder.write(record, source)
                    continue
                image, match = found
                report({"id": record.id, "image": image, **asdict(match)})
                result.removed[match.benchmark, match.reason] += 1
    return result


class _Matcher:
    """Compares records with what benchmarks use; every file is read once."""

    def __init__(self, known: EvaluationImages, root: Path, *, read_files: bool) -> None:
        self._known, self._root, self._read_files = known, root, read_files
        self._files: dict[str, Match | None] = {}
        self._names = read_source_names(root)

    def find(self, record: Record) -> tuple[str, Match] | None:
        """The first picture that a benchmark uses. Raises DataError when a picture cannot be read."""
        for image in record.images:
            called = (image, *self._names.get(image, ()))
            match = self._known.find_name({key for name in called for key in find_name_keys(name)})
            if match is not None:
                return image, match
        match = self._known.find_name(list_name_keys(record.meta))
        if match is not None:
            return record.images[0] if record.images else "", match
        for image in record.images if self._read_files else ():
            if image not in self._files:
                self._files[image] = self._known.find_picture(find_image(image, self._root))
            match = self._files[image]
            if match is not None:
                return image, match
        return None
