"""Answer files of other programs, joined with the questions by what each row says of its question."""

from __future__ import annotations

import json
import re
import zipfile

import openpyxl
import pytest

from errata.benchmarks import are_about, join_answers, look_up_numbers, read_given_answers, spreadsheet
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


def read_lmms_eval_04(key):
    """Since 0.4 the fields of the question are gone but for its number and wording."""
    _, text, _, number, label = ASKED[key]
    scored = {"question_id": str(number), "score": 1.0, "prediction": SAID[key].lower(), "ground_truth": label}
    asked = f"{text}\nAnswer the question using a single word or phrase."
    return {"doc_id": 7, "target": label, "filtered_resps": SAID[key], "input": asked, "pope_accuracy": scored}


@pytest.mark.parametrize("row", [read_ours, read_pope, read_llava, read_lmms_eval, read_lmms_eval_04])
def test_rows_are_joined_by_id_in_any_order(tmp_path, row):
    path = write(tmp_path / "answers.jsonl", [row(key) for key in reversed(ASKED)])
    assert join(path) == SAID


def test_samples_of_one_setting_of_lmms_eval_tell_it_by_the_name_of_their_file(tmp_path):
    path = write(tmp_path / "20260806_samples_pope_random.jsonl", [read_lmms_eval_04("pope-random-1")])
    assert join(path) == {"pope-random-1": "Yes"}


def test_numbers_of_another_table_are_not_the_benchmarks(tmp_path):
    """VLMEvalKit counts its own rows: wording says that its row 1 is question 2 here, and nothing is taken for it."""
    row = {"index": "1", "question": "Is there an oven in the image?", "answer": "No", "category": "random"}
    path = write(tmp_path / "a.jsonl", [row | {"prediction": "No", "image_path": "COCO_val2014_000000000042.jpg"}])
    assert join(path) == {"pope-random-2": "No"}
    assert are_about(read_given_answers(path), QUESTIONS)
    assert not are_about(read_given_answers(write(path, [row | {"prediction": "No"}])), QUESTIONS)


def write_list(path):
    """As LLaVA does: one list of all settings, counted from 1, and a request for a short answer below each question."""
    asked = enumerate(ASKED.values(), 1)
    short = "\nAnswer the question using a single word or phrase."
    return write(path, [{"question_id": n, "image": a[0], "text": a[1] + short, "category": a[2]} for n, a in asked])


def test_numbers_of_llavas_list_are_looked_up_there(tmp_path):
    questions = write_list(tmp_path / "llava_pope_test.jsonl")
    rows = [{"question_id": n, "prompt": ASKED[key][1], "text": SAID[key]} for n, key in enumerate(ASKED, 1)]
    given = look_up_numbers(read_given_answers(write(tmp_path / "a.jsonl", rows[::-1])), questions)
    assert {answer.id: answer.text for answer in join_answers(given, QUESTIONS, where="a")} == SAID


@pytest.mark.parametrize(
    ("line", "number", "found"),
    [
        (None, 9, r"a\.jsonl:1: question_id 9; expected a number of "),
        ({"question_id": 1, "image": "a.jpg", "text": "?"}, 1, r"llava\.jsonl:4: 1 again"),
        ({"question_id": 4, "image": "a.jpg"}, 1, r"llava\.jsonl:4: .*text"),
    ],
)
def test_a_list_that_does_not_fit_is_named(tmp_path, line, number, found):
    questions = write_list(tmp_path / "llava.jsonl")
    if line:
        questions.write_text(questions.read_text() + json.dumps(line) + "\n")
    given = read_given_answers(write(tmp_path / "a.jsonl", [{"question_id": number, "text": "Yes"}]))
    with pytest.raises(DataError, match=found):
        look_up_numbers(given, questions)


def test_captions_that_lmms_eval_logged_are_joined_by_the_image_number(tmp_path):
    questions = [Question("COCO_val2014_000000000042.jpg", ("COCO_val2014_000000000042.jpg",), (Turn("user", "?"),))]
    scored = {"answer": ["dog"], "pred": ["dog"], "image_id": 42}
    row = {"doc_id": 0, "target": "['dog']", "filtered_resps": "A dog.", "coco_cap_chair_i": scored}
    path = write(tmp_path / "a.jsonl", [row])
    (answer,) = join_answers(read_given_answers(path), questions, where="a")
    assert (answer.id, answer.text) == ("COCO_val2014_000000000042.jpg", "A dog.")


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
    """As pandas and its openpyxl do: texts inside their cells, an empty one no cell at all."""
    book = openpyxl.Workbook()
    for line in [list(rows[0]), *(list(row.values()) for row in rows)]:
        book.active.append([int(cell) if cell.isdigit() else cell or None for cell in line])
    book.save(path)


def share_texts(path):
    """As Excel and xlsxwriter do, and VLMEvalKit with it: cells name a text of a list by its number."""
    inside, found = r'<c r="(\w+)" t="inlineStr"><is><t>(.*?)</t></is></c>', []
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}

    def number(cell):
        found.append(cell[2])
        return f'<c r="{cell[1]}" t="s"><v>{len(found) - 1}</v></c>'

    parts["xl/worksheets/sheet1.xml"] = re.sub(inside, number, parts["xl/worksheets/sheet1.xml"])
    texts = "".join(f"<si><t>{text}</t></si>" for text in found)
    parts["xl/sharedStrings.xml"] = (
        f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{texts}</sst>'
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    known = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace("</Types>", known)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return len(found)


@pytest.mark.parametrize("shared", [False, True])
def test_a_spreadsheet_is_read_with_texts_inside_its_cells_and_in_a_list(tmp_path, shared):
    path = tmp_path / "a.xlsx"
    rows = [{"index": "1", "question": "Is there a dog?", "answer": "Yes", "prediction": said} for said in ("No", "")]
    write_spreadsheet(path, rows)
    assert not shared or share_texts(path) == 9
    assert [(one.number, one.prompt, one.label, one.text) for one in read_given_answers(path)] == [
        ("1", "Is there a dog?", "Yes", "No"),
        ("1", "Is there a dog?", "Yes", ""),
    ]


@pytest.mark.parametrize("ending", [".xlsx", ".tsv", ".json"])
def test_an_empty_prediction_never_becomes_the_label(tmp_path, ending):
    row = {"index": "1", "category": "random", "answer": "Yes", "prediction": ""}
    path = tmp_path / f"a{ending}"
    if ending == ".xlsx":
        write_spreadsheet(path, [row])
    else:
        path.write_text(
            json.dumps([row]) if ending == ".json" else "\n".join("\t".join(line) for line in (row, row.values()))
        )
    (given,) = read_given_answers(path)
    assert (given.text, given.label) == ("", "Yes")


def test_a_prediction_that_is_no_text_is_named(tmp_path):
    with pytest.raises(DataError, match="no text under any of prediction"):
        read_given_answers(write(tmp_path / "a.jsonl", [{"index": 1, "answer": "Yes", "prediction": None}]))


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


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('<row r="2"', '<row r="9999999999"', "more than 1048576 rows"),
        ('r="A2"', 'r="ZZZZZ2"', "not a valid column"),
        ("</sheetData>", "", "mismatched tag"),
    ],
)
def test_a_spreadsheet_that_says_nonsense_is_named(tmp_path, old, new, found):
    path, sheet = tmp_path / "a.xlsx", "xl/worksheets/sheet1.xml"
    write_spreadsheet(path, [{"index": "1", "prediction": "No"}])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert old in parts[sheet]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text.replace(old, new) if name == sheet else text)
    with pytest.raises(DataError, match=found):
        read_given_answers(path)


def test_a_spreadsheet_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    write_spreadsheet(tmp_path / "a.xlsx", [{"index": "1", "prediction": "No"}])
    monkeypatch.setattr(spreadsheet, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match="more than 1000"):
        read_given_answers(tmp_path / "a.xlsx")
