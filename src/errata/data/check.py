"""What is wrong with records, found before a model is loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from errata.data.images import open_image
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, Record, Response


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `kind` is a word to count and filter by, `where` the record's id, `message` what to do about it."""

    where: str
    kind: str
    message: str


def check_records(
    records: Iterable[Record], image_root: str | Path, *, on_progress: Callable[[str, int, int], None] | None = None
) -> list[Finding]:
    """Look for what reading does not refuse but training would trip over or learn wrongly.

    Kinds: `no-records` (nothing at all), `image` (does not open), `no-image`, `placeholder` (in an answer), `same-text`
    (answers that differ in white space only), `segment` (overlap, or one that changes nothing), `no-segments` (a worse
    answer that Dense DPO cannot weigh), `no-pair` (answers of one level only) and `duplicate` (the same image, question
    and answers twice). A record of one answer is there to be learned, as conversations are: it needs neither a pair nor
    an image.

    Args:
        records: As they were read.
        image_root: Where relative image paths start.
        on_progress: Called with "images", how many were opened, and how many there are.
    """
    records = list(records)
    findings = [] if records else [Finding("the file", "no-records", "there is nothing to train on; check the path")]
    findings += _check_images(records, Path(image_root), on_progress)
    for record in records:
        findings += _check_record(record)
    return findings + list(_check_duplicates(records))


def _check_images(
    records: list[Record], root: Path, on_progress: Callable[[str, int, int], None] | None
) -> Iterator[Finding]:
    users: dict[str, list[str]] = defaultdict(list)
    for record in records:
        if not record.images and len(record.responses) > 1:
            yield Finding(record.id, "no-image", "the record names no image; add one or drop the record")
        for image in dict.fromkeys(record.images):
            users[image].append(record.id)
    for number, (image, ids) in enumerate(users.items(), 1):
        if on_progress is not None:
            on_progress("images", number, len(users))
        try:
            open_image(image, root)
        except DataError as error:
            others = f" (and {len(ids) - 1} more records)" if len(ids) > 1 else ""
            yield Finding(ids[0] + others, "image", str(error))


def _check_record(record: Record) -> Iterator[Finding]:
    if record.levels[-1] == 0 and len(record.responses) > 1:
        message = "all answers are at level 0, nothing can be compared; only `sft` can use it"
        yield Finding(record.id, "no-pair", message)
    normal = [tuple(" ".join(text.split()) for text in response.rounds) for response in record.responses]
    if len(set(normal)) < len(normal):
        yield Finding(record.id, "same-text", "two answers differ in white space only; drop one")
    for number, response in enumerate(record.responses):
        if any(IMAGE_PLACEHOLDER in turn.text for turn in response.turns):
            yield Finding(record.id, "placeholder", f"answer {number} contains {IMAGE_PLACEHOLDER}; remove it")
        if response.level and not response.segments:
            message = f"answer {number} has no segments; `errata data diff` finds them"
            yield Finding(record.id, "no-segments", message)
        for problem in _check_segments(response, record.responses[0]):
            yield Finding(record.id, "segment", f"answer {number}: {problem}")


def _check_segments(response: Response, best: Response) -> Iterator[str]:
    last: dict[int, int] = {}
    for segment in sorted(response.segments, key=lambda segment: (segment.round, segment.start, segment.end)):
        span = f"segment {segment.start}:{segment.end}"
        own = response.rounds[segment.round][segment.start : segment.end]
        if own == best.rounds[segment.round][segment.better_start : segment.better_end]:
            yield f"{span} says the same as the text that replaces it"
        if segment.start < last.get(segment.round, 0):
            yield f"{span} overlaps the one before it"
        last[segment.round] = max(last.get(segment.round, 0), segment.end)


def _check_duplicates(records: list[Record]) -> Iterator[Finding]:
    seen: dict[object, str] = {}
    for record in records:
        key = (record.images, record.prompt, tuple(response.rounds for response in record.responses))
        if key in seen:
            yield Finding(record.id, "duplicate", f"it repeats record {seen[key]!r}; drop one")
        seen.setdefault(key, record.id)
