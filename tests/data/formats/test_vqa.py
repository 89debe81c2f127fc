"""VQAv2's questions and annotations become supervised records; the ten answers stay."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tiny_models
from errata.data import import_records
from errata.data.formats.vqa import VQA
from errata.errors import DataError
from errata.records import BadRow, read_records
from format_rows import read_row

QUESTIONS = "v2_OpenEnded_mscoco_train2014_questions.json"
ANNOTATIONS = "v2_mscoco_train2014_annotations.json"
TEN = ["red"] * 6 + ["blue"] * 3 + ["pink"]


def question(number: int) -> dict:
    return {"image_id": 9, "question": f"Which colour {number}?", "question_id": number}


def annotation(number: int, **fields) -> dict:
    answers = [{"answer": text, "answer_confidence": "yes", "answer_id": i} for i, text in enumerate(TEN, 1)]
    row = {"question_type": "what", "multiple_choice_answer": "red", "answers": answers, "image_id": 9}
    return row | {"answer_type": "other", "question_id": number} | fields


@pytest.fixture
def folder(tmp_path):
    head = {"info": {"version": "2.0"}, "data_type": "mscoco", "data_subtype": "train2014", "license": {"name": "CC"}}
    questions = head | {"task_type": "Open-Ended", "questions": [question(1), question(2)]}
    (tmp_path / QUESTIONS).write_text(json.dumps(questions))
    (tmp_path / ANNOTATIONS).write_text(json.dumps(head | {"annotations": [annotation(2), annotation(1)]}))
    tiny_models.save_images(tmp_path, 1)
    (tmp_path / "train2014").mkdir()
    (tmp_path / "image0.png").rename(tmp_path / "train2014" / "COCO_train2014_000000000009.jpg")
    return tmp_path


@pytest.mark.parametrize("name", [".", QUESTIONS], ids=["the folder", "the questions"])
def test_the_pair_is_recognised_and_joined(folder, name):
    first, second = read_records(import_records(folder / name, folder / "out").path)
    assert (first.id, second.id) == ("vqa-1", "vqa-2")
    assert first.prompt[0].text == "Which colour 1?"
    assert (first.levels, first.responses[0].text) == ((0,), "red")
    assert first.meta == {"question_type": "what", "answer_type": "other", "image_id": 9, "answers": TEN}
    assert first.source == "VQAv2"
    assert first.images == second.images


def test_files_with_other_names_are_a_pair_where_they_stand_alone(folder):
    (folder / QUESTIONS).rename(folder / "q.json")
    (folder / ANNOTATIONS).rename(folder / "a.json")
    assert import_records(folder / "q.json", folder / "out").records == 2


def test_a_table_of_both(folder):
    data = (folder / "train2014" / "COCO_train2014_000000000009.jpg").read_bytes()
    row = annotation(1) | question(1) | {"image": {"bytes": data, "path": "x.jpg"}}
    pq.write_table(pa.Table.from_pylist([row]), folder / "vqa.parquet")
    (record,) = read_records(import_records(folder / "vqa.parquet", folder / "out").path)
    assert (record.responses[0].text, record.meta["answers"]) == ("red", TEN)


def test_without_a_named_answer_most_people_decide():
    row = question(1) | annotation(1, multiple_choice_answer=None) | {"image": "x.jpg"}
    assert read_row(VQA, row)[0].responses[0].text == "red"


def test_a_question_without_its_annotation_is_set_aside(folder):
    content = json.loads((folder / QUESTIONS).read_text())
    content["questions"] += [question(3), "x", {"question": "no id"}]
    (folder / QUESTIONS).write_text(json.dumps(content, indent=1))
    bad: list[BadRow] = []
    assert import_records(folder, folder / "out", on_bad=bad.append).records == 2
    assert len(bad) == 3
    assert "none for 3; expected an annotation for every question" in bad[0].reason
    line = (folder / QUESTIONS).read_text().splitlines().index('  "x",') + 1
    assert bad[1].where == f"{folder / QUESTIONS}:{line}"
    with pytest.raises(DataError, match=rf"{QUESTIONS}:\d+: none for 3"):
        import_records(folder, folder / "out2")


def test_questions_alone_are_an_error(folder):
    (folder / ANNOTATIONS).unlink()
    with pytest.raises(DataError, match="test splits have none"):
        import_records(folder / QUESTIONS, folder / "out")


def test_annotations_alone_are_an_error(folder):
    with pytest.raises(DataError, match="name the questions file"):
        import_records(folder / ANNOTATIONS, folder / "out")


def test_cut_off_files_are_an_error(folder):
    whole = (folder / ANNOTATIONS).read_text()
    (folder / ANNOTATIONS).write_text(whole[:-60])
    with pytest.raises(DataError, match=ANNOTATIONS):
        import_records(folder, folder / "out")
    assert not (folder / "out" / "records.jsonl").exists()


BAD = {
    "answers as a text": ({"answers": "red"}, "'answers'"),
    "answers of numbers": ({"answers": [1, 2]}, "'answers'"),
    "no question": ({"question": None}, "'question'"),
    "an image id as text": ({"image_id": "../../etc/passwd"}, "'image_id'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_with_its_place(name):
    fields, found = BAD[name]
    with pytest.raises(DataError, match=r"^data\.json:7") as caught:
        read_row(VQA, question(1) | annotation(1) | fields)
    assert found in str(caught.value)
    assert all((caught.value.expected, caught.value.found, caught.value.fix))
