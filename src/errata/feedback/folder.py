"""The folder that feedback is written to: records, their pictures, and how they came to be."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from errata.data.shaping import ImageRule, RecordFile, writing_folder
from errata.feedback.outcome import Feedback
from errata.feedback.style import Style, measure_style
from errata.records import write_bad_rows
from errata.storage import write_text

FEEDBACK_FILE = "feedback.json"
"""Beside records.jsonl: method, settings, counts, what the method found, and how the levels differ in style."""


@dataclass(frozen=True, slots=True)
class FeedbackFolder:
    """Where things are, and the style of what was written; `bad` is None where every prompt was kept."""

    records: Path
    summary: Path
    bad: Path | None
    style: Style


def write_feedback(
    out: str | Path, feedback: Feedback, image_root: str | Path, *, images: ImageRule = "link"
) -> FeedbackFolder:
    """Write `out`/records.jsonl with the pictures beside it, feedback.json, and the dropped prompts in bad.jsonl.

    Args:
        out: The folder.
        feedback: What a method gave.
        image_root: Where the image paths of the records start.
        images: How pictures come into the folder.

    Raises:
        DataError: A picture that is not there, or outside its root.
        StorageError: The folder cannot be written.
    """
    out, tally = Path(out), feedback.tally
    if not tally.adds_up:
        found = f"{tally.kept} kept and {len(tally.dropped)} dropped of {tally.prompts}"
        raise RuntimeError(f"{feedback.method}: every prompt must be kept or dropped once, found {found}")
    source = RecordFile(out, Path(image_root), place=feedback.method)
    with writing_folder(out, images=images) as folder:
        for record in feedback.records:
            folder.write(record, source)
    bad = write_bad_rows(out, tally.dropped)
    counts = [{"what": what, "count": count} for what, count in tally.count_rows()]
    style = measure_style(feedback.records)
    summary = {
        "method": feedback.method,
        "settings": feedback.settings,
        "counts": counts,
        "reasons": feedback.list_reasons(),
        "report": {name: value for name, value in feedback.report.items() if name != "reasons"},
        "style": asdict(style),
    }
    write_text(out / FEEDBACK_FILE, json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    return FeedbackFolder(folder.records, out / FEEDBACK_FILE, bad if tally.dropped else None, style)
