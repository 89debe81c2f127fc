"""Whole files of each format: recognised without a name, read, written, and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import tiny_models
from errata.data import export_records, import_records
from errata.data.formats import FORMATS
from errata.errors import DataError
from errata.records import BadRow, Record, read_records

QUESTION = [{"from": "human", "value": "<image>What is it?"}]
LLAMA = {
    "conversations": QUESTION,
    "chosen": {"from": "gpt", "value": "🚌 A red bus."},
    "rejected": {"from": "gpt", "value": "🚌 A blue bus."},
    "images": ["image0.png"],
}
ALPACA = {"instruction": "<image>What is it?", "input": "", "chosen": "A red bus.", "rejected": "A blue bus."} | {
    "images": ["image0.png"]
}
SWIFT = {
    "messages": [{"role": "user", "content": "<image>What is it?"}, {"role": "assistant", "content": "A red bus."}],
    "rejected_response": "A blue bus.",
    "images": ["image0.png"],
}
LLAVA = {"id": "x", "image": "image0.png"} | {"conversations": [*QUESTION, {"from": "gpt", "value": "A red bus."}]}
STUDIO = {
    "id": 1,
    "data": {"image": "image0.png", "prompt": "What is it?", "response": "A blue bus."},
    "annotations": [{"id": 1, "result": [{"type": "textarea", "to_name": "response", "value": {"text": ["A bus."]}}]}],
}
ARGILLA = {
    "id": "r",
    "fields": {"image": "image0.png", "prompt": "What is it?", "response": "A blue bus."},
    "responses": {"corrected": [{"value": "A bus.", "user_id": "u"}]},
    "suggestions": {},
}
SAMPLES = {
    "llama-factory": LLAMA,
    "llama-factory alpaca": ALPACA,
    "ms-swift": SWIFT,
    "conversations": LLAVA,
    "label-studio": STUDIO,
    "argilla": ARGILLA,
}


@pytest.fixture
def folder(tmp_path) -> Path:
    tiny_models.save_images(tmp_path, 2)
    return tmp_path


def write(path: Path, rows: list) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = "\n".join(lines) if path.suffix == ".jsonl" else "[\n" + ",\n".join(lines) + "\n]"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def read(source: Path, out: Path, **options) -> list[Record]:
    return read_records(import_records(source, out, **options).path)


@pytest.mark.parametrize("ending", ["json", "jsonl"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_recognised_and_means_the_same_with_its_name(folder, name, ending):
    path = write(folder / f"data.{ending}", [SAMPLES[name]])
    (record,) = read(path, folder / "a")
    assert (folder / "a" / record.images[0]).is_file()
    assert "bus." in record.responses[0].text
    assert read(path, folder / "b", format=name.split()[0]) == [record]
    if record.levels[-1]:
        assert record.responses[1].segments


@pytest.mark.parametrize("name", ["llama-factory", "llama-factory alpaca", "ms-swift"])
def test_import_export_import_gives_equal_records(folder, name):
    rows = [SAMPLES[name] | {"license": "MIT", "score": 0.5}, SAMPLES[name] | {"images": ["image1.png"], "id": "b"}]
    first = read(write(folder / "data.json", rows), folder / "a")
    known = name.split()[0]
    ending = next(one.ending for one in FORMATS if one.name == known)
    summary = export_records(first, folder / "a", folder / "out" / f"pairs.{ending}", format=known)
    assert (summary.rows, summary.dropped) == (2, {})
    again = read(folder / "out", folder / "b")
    assert again == first
    assert [(folder / "b" / one.images[0]).read_bytes() for one in again] == [
        (folder / "a" / one.images[0]).read_bytes() for one in first
    ]


@pytest.mark.parametrize("known", ["llama-factory", "ms-swift"])
def test_datasets_loads_what_is_written(folder, known, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
    records = read(write(folder / "data.json", [LLAMA, LLAMA | {"images": ["image1.png"]}]), folder / "a")
    mixed = [replace(records[0], meta={"score": 1}), records[1]]
    path = export_records(mixed, folder / "a", folder / "out", format=known).files[0]
    table = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(folder / "cache"))
    assert table.num_rows == 2
    assert all((path.parent / row["images"][0]).is_file() for row in table)
    messages = "conversations" if known == "llama-factory" else "messages"
    content = "value" if known == "llama-factory" else "content"
    marks = [sum(turn[content].count("<image>") for turn in row[messages]) for row in table]
    assert marks == [len(row["images"]) for row in table]


DAMAGE = {
    "truncated": b'{"messages": [{"role": "user"',
    "not an object": b"[1, 2]",
    "a key twice": b'{"messages": [], "messages": []}',
    "NaN": b'{"messages": NaN}',
    "invalid UTF-8": b'{"messages": "\xff"}',
    "half a character": b'{"messages": "\\ud83d"}',
    "absurd nesting": b'{"messages": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a null character": json.dumps(SWIFT | {"rejected_response": "A\0"}).encode(),
    "a very long answer": json.dumps(SWIFT | {"rejected_response": "A " * 100_000}).encode(),
    "a missing image": json.dumps(SWIFT | {"images": ["none.png"]}).encode(),
    "no image": json.dumps(SWIFT | {"images": ["data.jsonl"]}).encode(),
    "an absolute image": json.dumps(SWIFT | {"images": ["/etc/hostname"]}).encode(),
    "an image that escapes": json.dumps(SWIFT | {"images": ["../../etc/hostname"]}).encode(),
    "an image as a number": json.dumps(SWIFT | {"images": [3]}).encode(),
    "an address": json.dumps(SWIFT | {"images": ["https://example.org/a.png"]}).encode(),
    "fewer images than marks": json.dumps(SWIFT | {"images": []}).encode(),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_hostile_row_is_an_error_with_its_line_or_set_aside(folder, name):
    path = folder / "data.jsonl"
    path.write_bytes(json.dumps(SWIFT).encode() + b"\n" + DAMAGE[name] + b"\n")
    with pytest.raises(DataError, match=r"data\.jsonl:2") as caught:
        import_records(path, folder / "a")
    assert all((caught.value.expected, caught.value.found, caught.value.fix))
    assert not (folder / "a" / "records.jsonl").exists()
    bad: list[BadRow] = []
    assert import_records(path, folder / "b", on_bad=bad.append).records == 1
    assert [row.where for row in bad] == [f"{path}:2"]
