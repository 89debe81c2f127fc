"""Answer files of other programs, joined with the questions by what each row says of its question."""

from __future__ import annotations

import json
import zipfile

import pytest

from errata.benchmarks import join_answers, read_given_answers
from errata.errors import DataError
from errata.records import Question, Turn

ASKED = {
    "pope-random-1": ("COCO_val2014_000000000042.jpg", "Is there a dog in the image?", "random", 1, "yes"),
    "pope-random-2": ("COCO_val2014_000000000042.jpg", "Is there an oven in the image?", "random", 2, "no"),
    "pope-popular-1": ("COCO_val2014_000000000042.jpg", "Is there a dog in the image?", "popular", 1, "yes"),
}
QUESTIONS = [
    Question(key, (image,), (Turn("user", text),), {"label": label, "setting": setting, "question_id": number})
    for key, (image, text, setting, number, label) in ASKED.items()
]
SAID = {"pope-random-1": "Yes", "pope-random-2": "No", "pope-popular-1": "Yes"}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def join(path):
    return {answer.id: answer.text for answer in join_answers(read_given_answers(path), QUESTIONS, where=str(path))}


def read_ours(key):
    return {"id": key, "text": SAID[key], "model": "m", "finished": True, "meta": {}, "earlier": []}


def read_pope(key):
    _, text, setting, number, _ = ASKED[key]
    return {"question_id": number, "category": setting, "question": text, "answer": SAID[key]}


def read_llava(key):
    _, text, setting, number, _ = ASKED[key]
    prompt = f"{text}\nAnswer the question using a single word or phrase."
    return {"question_id": number, "category": setting, "prompt": prompt, "text": SAID[key], "model_id": "llava"}


def read_without_number(key):
    image, text, _, _, _ = ASKED[key]
    return {"image": image, "question": text, "answer": SAID[key]}


def read_lmms_eval(key):
    image, text, setting, number, label = ASKED[key]
    document = {"question_id": str(number), "question": text, "answer": label, "category": setting}
    document |= {"image_source": image.removesuffix(".jpg"), "id": "7"}
    return {"doc_id": 7, "doc": document, "target": label, "resps": [[SAID[key]]], "filtered_resps": [SAID[key]]}


@pytest.mark.parametrize("row", [read_ours, read_pope, read_llava, read_lmms_eval])
def test_rows_are_joined_by_id_in_any_order(tmp_path, row):
    path = write(tmp_path / "answers.jsonl", [row(key) for key in reversed(ASKED)])
    assert join(path) == SAID


def test_image_and_wording_do_where_there_is_no_number(tmp_path):
    """One answer then stands in every setting that asks the same."""
    rows = [read_without_number(key) for key in ("pope-random-2", "pope-popular-1")]
    assert join(write(tmp_path / "answers.jsonl", rows)) == SAID


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".xlsx", ".json"])
def test_vlmevalkit_tables(tmp_path, ending):
    rows = [
        {"index": "1", "question": "Is there a dog in the image?", "answer": "Yes", "category": "random,popular"},
        {"index": "2", "question": "Is there an oven in the image?", "answer": "No", "category": "random"},
    ]
    rows = [row | {"prediction": said} for row, said in zip(rows, ("Yes", "No"), strict=True)]
    path = tmp_path / f"answers{ending}"
    if ending == ".xlsx":
        write_spreadsheet(path, rows)
    elif ending == ".json":
        path.write_text(json.dumps(rows))
    else:
        mark = "\t" if ending == ".tsv" else ","
        table = [list(rows[0]), *(list(row.values()) for row in rows)]
        path.write_text("".join(mark.join(f'"{cell}"' for cell in line) + "\n" for line in table))
    given = read_given_answers(path)
    assert [(one.number, one.category, one.label, one.text) for one in given] == [
        ("1", "random", "Yes", "Yes"),
        ("1", "popular", "Yes", "Yes"),
        ("2", "random", "No", "No"),
    ]
    assert join(path) == SAID


def write_spreadsheet(path, rows):
    """As spreadsheet programs write: texts shared, numbers as they are."""
    texts = list(dict.fromkeys([*rows[0], *(value for row in rows for value in row.values())]))

    def cell(column, line, text):
        if text.isdigit():
            return f'<c r="{column}{line}"><v>{text}</v></c>'
        return f'<c r="{column}{line}" t="s"><v>{texts.index(text)}</v></c>'

    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    body = "".join(
        f'<row r="{n}">' + "".join(cell("ABCDE"[i], n, text) for i, text in enumerate(line)) + "</row>"
        for n, line in enumerate(lines, 1)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{body}</sheetData></worksheet>")
        shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
        archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{shared}</sst>")


def test_captions_of_chair_are_joined_by_the_image_number(tmp_path):
    questions = [Question("COCO_val2014_000000000042.jpg", ("COCO_val2014_000000000042.jpg",), (Turn("user", "?"),))]
    content = {"overall": {}, "imgToEval": {"42": {"image_id": 42, "caption": "A dog.", "CIDEr": 1.0}}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    write(tmp_path / "b.jsonl", [{"image_id": 42, "caption": "A dog."}])
    for name in ("a.json", "b.jsonl"):
        (answer,) = join_answers(read_given_answers(tmp_path / name), questions, where=name)
        assert (answer.id, answer.text) == ("COCO_val2014_000000000042.jpg", "A dog.")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([read_pope("pope-random-1"), read_pope("pope-random-1")], r"jsonl:2: a second to 'pope-random-1', first at"),
        ([{"question_id": 1, "answer": "Yes"}], "none that is about one of its questions"),
        ([{"answer": "Yes"}], "none of its fields does"),
        ([{"question_id": 900, "category": "random", "answer": "Yes"}], "none that is about one of its questions"),
        ([read_pope("pope-random-1"), {"question_id": 9, "category": "random", "answer": "a"}], "to none of them"),
        (
            [{"question_id": 1, "category": "random", "question": "Is there a cat?", "answer": "No"}],
            "an answer to .is there a cat",
        ),
        ([{"question_id": 1, "category": "random"}], "no text under any of"),
        ([{"question_id": 1, "category": "random", "answer": 3}], "'answer' is int"),
        ([{"question_id": 1, "category": "random", "answer": [1]}], "'answer' is list"),
        (["yes"], "expected an answer as an object"),
        ([], "at least one answer"),
        ([{"doc": {}, "resps": []}], "expected a response as text"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        join(write(tmp_path / "answers.jsonl", rows))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_a_broken_spreadsheet_is_named(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(DataError, match=r"an \.xlsx spreadsheet"):
        read_given_answers(tmp_path / "a.xlsx")
