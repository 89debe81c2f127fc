"""Real photos with hand-written answers as preference records with typed segments, in our form and RLHF-V's.

The folder is not part of the project; tests that use it take it from the `shared_data` fixture.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from errata.corrections import diff_segments
from errata.data import export_records
from errata.records import Record, Response, Segment, Turn, write_records


def read_photos(folder: Path) -> list[dict[str, Any]]:
    """The rows of `annotated.jsonl`: image, question, objects, captions, responses and their edits."""
    lines = (folder / "annotated.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def photo_records(folder: Path, levels: int = 4) -> list[Record]:
    """One record a photo with the answers of the best `levels` levels."""
    return [_build_record(row, levels) for row in read_photos(folder)]


def photo_texts(folder: Path) -> list[str]:
    """Every question and answer, to train a tokenizer on."""
    rows = read_photos(folder)
    return [row["question"] for row in rows] + [response["text"] for row in rows for response in row["responses"]]


def write_photos_jsonl(path: Path, folder: Path, levels: int = 4) -> Path:
    """Our JSON lines; images stay in `folder`, which is the image root."""
    write_records(path, photo_records(folder, levels))
    return path


def write_photos_rlhfv(path: Path, folder: Path) -> Path:
    """RLHF-V's parquet with levels 0 and 1."""
    export_records(photo_records(folder, 2), folder, path, format="rlhfv")
    return path


def write_annotations(path: Path, folder: Path) -> Path:
    """What POPE and CHAIR sets are built from: image, objects, captions, question."""
    names = ("image", "objects", "captions", "question")
    rows = [{name: row[name] for name in names} for row in read_photos(folder)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _build_record(row: dict[str, Any], levels: int) -> Record:
    texts = {response["level"]: response["text"] for response in row["responses"]}
    responses = []
    for level in sorted(texts)[:levels]:
        edits = [edit for edit in row["segments"] if edit["level"] == level]
        segments = _locate(edits, texts[level], texts[0]) if edits else diff_segments(texts[level], texts[0])
        responses.append(Response((Turn("assistant", texts[level]),), level, segments if level else ()))
    return Record(
        id=Path(row["image"]).stem,
        images=(row["image"],),
        prompt=(Turn("user", row["question"]),),
        responses=tuple(responses),
        source="photos",
    )


def _locate(edits: list[dict[str, str]], own: str, best: str) -> tuple[Segment, ...]:
    """Offsets of edits that state their texts: in order, everything between two edits is the same on both sides."""
    segments, shift = [], 0
    for edit in sorted(edits, key=lambda edit: own.index(edit["wrong"])):
        start = own.index(edit["wrong"])
        end, better_start = start + len(edit["wrong"]), start + shift
        better_end = better_start + len(edit["right"])
        assert best[better_start:better_end] == edit["right"]
        segments.append(Segment(start, end, better_start, better_end, edit["type"]))
        shift = better_end - end
    return tuple(segments)
