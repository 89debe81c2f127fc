"""docs/records.md: its examples are read as they stand."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from errata.benchmarks import read_annotations
from errata.records import SEGMENT_TYPES, Record, Response, Segment, parse_record

PAGE = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)\n```", PAGE, flags=re.DOTALL)


def test_the_example_record_is_one():
    record = parse_record(json.loads(EXAMPLES[0]), "page")
    (segment,) = record.responses[1].segments
    assert record.responses[1].text[segment.start : segment.end] == "blue"
    assert record.responses[0].text[segment.better_start : segment.better_end] == "red"


def test_the_example_annotation_is_one(tmp_path):
    (tmp_path / "a.jsonl").write_text(EXAMPLES[1])
    assert read_annotations(tmp_path / "a.jsonl")[0].objects == ("cup", "dining table")


def test_every_field_and_type_is_on_the_page():
    names = [field.name for cls in (Record, Response, Segment) for field in dataclasses.fields(cls)]
    assert [name for name in (*names, *SEGMENT_TYPES) if f"`{name}`" not in PAGE] == []
