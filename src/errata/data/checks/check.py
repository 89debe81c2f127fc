"""What is wrong with records, found before a model is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from errata.data.checks.findings import FINDING_KINDS, NOTES, Finding, StyleCheck, find_kind
from errata.data.checks.record import find_record_trouble
from errata.data.image_store import ImageStore
from errata.data.import_records import OnProgress, find_records_file
from errata.data.reading import Reading, find_foreign_format
from errata.data.rows import open_file
from errata.errors import DataError, count_noun
from errata.images import require_proportions, show_file
from errata.records import Record, parse_record
from errata.storage import iterate_lines, parse_line


@dataclass(frozen=True, slots=True)
class CheckReport:
    """How many rows were read, how many of them are records, all findings in the order of `FINDING_KINDS`.

    `unread` counts the columns that a foreign format does not read, by name.
    """

    rows: int
    records: int
    findings: list[Finding]
    unread: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each kind that there are any of."""
        counts = Counter(finding.kind for finding in self.findings)
        return {kind: counts[kind] for kind in FINDING_KINDS if counts[kind]}

    @property
    def clean(self) -> bool:
        """Whether nothing but notes was found."""
        return all(finding.kind in NOTES for finding in self.findings)


def check_file(
    path: str | Path,
    image_root: str | Path | None = None,
    *,
    images: bool = True,
    on_progress: OnProgress | None = None,
) -> CheckReport:
    """Check our JSON lines, or a foreign format's JSON, row by row; the file is never held as a whole.

    Args:
        path: The file, or a folder that `errata data import` wrote.
        image_root: Where relative image paths start; None is the folder of the file.
        images: Also decode every image.
        on_progress: Called with "images", how many were opened, and how many there are.

    Raises:
        DataError: No such file.
    """
    path = find_records_file(path)
    root = Path(image_root or path.parent)
    check = _Check()
    unread = Counter[str]()
    for where, row in _iterate_rows(path, root, unread):
        if isinstance(row, DataError):
            check.refuse(row, where)
        else:
            check.add(row, where)
    return replace(check.finish(str(path), root if images else None, on_progress), unread=dict(unread))


def check_records(
    records: Iterable[Record], image_root: str | Path, *, on_progress: OnProgress | None = None
) -> list[Finding]:
    """Check records that were read or made; `where` of what is found is `record 'id'`. Arguments as of `check_file`."""
    check = _Check()
    for record in records:
        check.add(record, f"record {record.id!r}")
    return check.finish("the records", Path(image_root), on_progress).findings


def _iterate_rows(path: Path, root: Path, unread: Counter[str]) -> Iterator[tuple[str, Record | DataError]]:
    """(`file:line`, a record or why it is none); in the end, `unread` counts the columns that nobody reads."""
    known = find_foreign_format(path)
    if known is None:
        for where, line in iterate_lines(path):
            try:
                yield where, parse_record(parse_line(where, line), where)
            except DataError as error:
                yield where, error
        return
    file, reading, images = open_file(path), Reading(), ImageStore(None, root=root)
    for raw in file.rows():
        try:
            for record in list(reading.convert_row(raw, known, file, images)):
                yield raw.where, record
        except DataError as error:
            yield raw.where, error
    unread.update(reading.unread)


class _Check:
    """What must be remembered from row to row."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._rows = self._records = 0
        self._places: dict[str, str] = {}
        self._contents: dict[int, str] = {}
        self._licenses: Counter[str] = Counter()
        self._images: dict[str, list[tuple[str, str]]] = {}
        self._style = StyleCheck()

    def refuse(self, error: DataError, where: str) -> None:
        """A row that is no record."""
        self._rows += 1
        message = str(error).removeprefix(f"{where}: ")
        self._findings.append(Finding(find_kind(error), where, "", message))

    def add(self, record: Record, where: str) -> None:
        """A row that is one."""
        self._rows += 1
        self._records += 1
        self._licenses[record.license or ""] += 1
        for image in dict.fromkeys(record.images):
            self._images.setdefault(image, []).append((where, record.id))
        self._findings += (Finding(kind, where, record.id, text) for kind, text in find_record_trouble(record))
        self._findings += self._find_repeated(record, where)
        self._findings += self._style.add(record, where)

    def finish(self, file: str, root: Path | None, on_progress: OnProgress | None) -> CheckReport:
        """What only the whole file shows; images are opened where there is a `root`."""
        if not self._rows:
            self._findings.append(Finding("no-records", file, "", FINDING_KINDS["no-records"] + "; check the path"))
        if len(self._licenses) > 1:
            parts = ", ".join(f"{name or 'none'} ({count})" for name, count in self._licenses.most_common())
            message = f"{parts}; the strictest holds for a model trained on all of them"
            self._findings.append(Finding("licenses", file, "", message))
        self._findings += self._style.finish(file)
        if root is not None:
            self._findings += self._open_images(root, on_progress)
        order = {kind: number for number, kind in enumerate(FINDING_KINDS)}
        self._findings.sort(key=lambda finding: order[finding.kind])
        return CheckReport(self._rows, self._records, self._findings)

    def _find_repeated(self, record: Record, where: str) -> Iterator[Finding]:
        first = self._places.setdefault(record.id, where)
        if first != where:
            yield Finding("duplicate-id", where, record.id, f"{first} has this id; rename or drop one")
        texts = tuple(turn.text for turn in record.prompt)
        content = hash((record.images, texts, tuple(response.rounds for response in record.responses)))
        first = self._contents.setdefault(content, where)
        if first != where:
            yield Finding("duplicate", where, record.id, f"it repeats {first}; drop one")

    def _open_images(self, root: Path, on_progress: OnProgress | None) -> Iterator[Finding]:
        for number, (image, users) in enumerate(self._images.items(), 1):
            if on_progress is not None:
                on_progress("images", number, len(self._images))
            more = f" (and {count_noun(len(users) - 1, 'more row')})" if len(users) > 1 else ""
            try:
                shown = show_file(image, root)
                require_proportions(shown.image, image)
            except DataError as error:
                yield Finding("image", *users[0], f"{error}{more}")
                continue
            for kind, what in shown.traits.items():
                yield Finding(kind, *users[0], f"{image}: {what}{more}")
