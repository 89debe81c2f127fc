"""A handful of scenes with records, questions and annotations about them, for the base that ships with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.corrections import diff_segments
from errata.records import Question, Record, Response, Turn, record_to_row, write_questions, write_records
from errata.storage import write_json_lines
from errata.world import CATEGORIES, CORRECTION, DESCRIBE, base_folder, image_name, sample_scenes, write_images

PROMPT = (Turn("user", DESCRIBE),)


@dataclass(frozen=True)
class WorldInput:
    """Files in one folder: `images/`, `records.jsonl`, `questions.jsonl`, `annotations.jsonl`."""

    root: Path
    model: str
    images: tuple[str, ...]
    records: Path
    questions: Path
    annotations: Path

    def rows(self) -> list[dict[str, Any]]:
        """The records as JSON values, to damage."""
        return [json.loads(line) for line in self.records.read_text(encoding="utf-8").splitlines()]


def write_world_input(root: Path, count: int = 8) -> WorldInput:
    """Write `count` of each; the texts are in the base's language."""
    scenes = sample_scenes("correction", count, 0, CORRECTION)
    write_images(scenes, root)
    images = tuple(image_name(scene) for scene in scenes)
    records = [_build_record(number, image) for number, image in enumerate(images)]
    write_records(root / "records.jsonl", records)
    write_questions(root / "questions.jsonl", [Question(f"q{i}", (image,), PROMPT) for i, image in enumerate(images)])
    objects = [["dog", "cat", "car"], ["person", "chair", "cup"]]
    rows = [{"image": image, "objects": objects[i % 2], "question": DESCRIBE} for i, image in enumerate(images)]
    write_json_lines(root / "annotations.jsonl", rows)
    files = (root / name for name in ("records.jsonl", "questions.jsonl", "annotations.jsonl"))
    return WorldInput(root, str(base_folder("medium")), images, *files)


def _build_record(number: int, image: str) -> Record:
    good = f"top: a red {CATEGORIES[number % len(CATEGORIES)]}."
    bad = good.replace("red", "blue") + " bottom: a green star."
    responses = (
        Response((Turn("assistant", good),), 0),
        Response((Turn("assistant", bad),), 1, diff_segments(bad, good)),
    )
    record = Record(f"r{number}", (image,), PROMPT, responses)
    assert record_to_row(record)["responses"][1]["segments"]
    return record
