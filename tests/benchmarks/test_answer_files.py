"""Answer files of other programs, joined with the questions by what each row says of its question."""

from __future__ import annotations

import csv
import json
import re
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from errata.benchmarks import are_about, join_answers, look_up_numbers, read_given_answers
from errata.benchmarks.answers import files
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


FAILED = [
    None, "None", "nan", "null", "NaN", "<NA>", "ERROR", "[API error]", "Failed to obtain answer via API.",
    "Error: Request timed out.", "Error code: 429 - {'error': {'message': 'Rate limit'}}", "API Error", "Timeout",
    "openai.RateLimitError: Error code: 429", "Request timed out.", "[ERROR] no response", "Exception: CUDA",
    "No response from the server", '{"error": {"message": "overloaded", "code": 529}}', {"error": "overloaded"},
    "Traceback (most recent call last):\n  File", "An error occurred while processing your request.", "HTTP Error 500",
    [], "503 Service Unavailable", "Empty response", "RateLimitError('slow down')",
]  # fmt: skip


@pytest.mark.parametrize("left", FAILED, ids=repr)
def test_what_a_failed_call_left_is_no_answer(tmp_path, left):
    rows = [{**read_pope(key), "answer": left} for key in list(ASKED)[:1]] + [read_pope("pope-popular-1")]
    path = write(tmp_path / "a.jsonl", rows)
    assert [bool(one.failed) for one in read_given_answers(path)] == [True, False]
    assert join(path) == {"pope-popular-1": "Yes"}


@pytest.mark.parametrize(
    "said", ["", "No error is visible.", "None of them.", "A stop sign.", "No.", "404 is written on it", "Error signs"]
)
def test_what_only_looks_like_a_failed_call_is_an_answer(tmp_path, said):
    path = write(tmp_path / "a.jsonl", [{**read_pope("pope-random-1"), "answer": said}])
    assert join(path) == {"pope-random-1": said}


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".xlsx"])
def test_an_empty_cell_is_no_answer(tmp_path, ending):
    rows = [{**read_pope(key), "answer": SAID[key]} for key in ASKED]
    rows[1]["answer"] = ""
    path = tmp_path / f"a{ending}"
    write_table(path, rows)
    assert [one.failed for one in read_given_answers(path)] == ["", "nothing", ""]


def write_table(path, rows):
    if path.suffix == ".xlsx":
        write_spreadsheet(path, [{name: str(cell) for name, cell in row.items()} for row in rows])
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix in (".tsv", ".csv"):
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            table.writeheader()
            table.writerows(rows)
    else:
        path.write_text(json.dumps(rows) if path.suffix == ".json" else "".join(json.dumps(r) + "\n" for r in rows))


CONTAINERS = [".jsonl", ".json", ".tsv", ".csv", ".xlsx", ".parquet"]


@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize("other", ["response", "text", "output", "my_model", "caption"])
def test_a_label_beside_the_answers_is_never_scored(tmp_path, ending, other):
    """lmms-lab/POPE calls the label `answer`: two columns could be meant, and one of them has to be named."""
    rows = [{**read_without_number(key), "answer": ASKED[key][4], other: "Yes"} for key in ASKED]
    path = tmp_path / f"a{ending}"
    write_table(path, rows)
    with pytest.raises(
        DataError, match=f"('answer' and '{other}'|'{other}' and 'answer'), which differ.*--answer-column"
    ):
        read_given_answers(path)
    assert [(one.text, one.label) for one in read_given_answers(path, other)] == [
        ("Yes", "yes"),
        ("Yes", "no"),
        ("Yes", "yes"),
    ]
    with pytest.raises(DataError, match="expected a column 'reply'"):
        read_given_answers(path, "reply")


@pytest.mark.parametrize("ending", CONTAINERS)
def test_one_column_of_answers_needs_no_name(tmp_path, ending):
    rows = [{**read_pope(key), "image_source": "a b", "dataset": "POPE of June"} for key in ASKED]
    path = tmp_path / f"a{ending}"
    write_table(path, rows)
    assert join(path) == SAID


def test_two_columns_that_say_the_same_are_one(tmp_path):
    rows = [{**read_pope(key), "text": SAID[key]} for key in ASKED]
    assert join(write(tmp_path / "a.jsonl", rows)) == SAID


@pytest.mark.parametrize("named", [True, False])
def test_questions_in_place_of_answers_are_refused(tmp_path, named):
    """As where the question file itself is given: its `text` is what is asked."""
    rows = [
        {"question_id": number, "category": setting, "text": text} | ({"question": text} if named else {})
        for _, text, setting, number, _ in ASKED.values()
    ]
    with pytest.raises(DataError, match=r"in 3 of 3 rows; expected answers in 'text'.*--answer-column"):
        join(write(tmp_path / "a.jsonl", rows))
    echo = [{**read_pope(key), "answer": rows[n]["text"] if n == 0 else "No"} for n, key in enumerate(ASKED)]
    assert len(join(write(tmp_path / "b.jsonl", echo))) == 3  # a model may say what it was asked


@pytest.mark.parametrize("number", [1.0, "1.0", 1, "1"])
def test_whole_numbers_with_a_point_are_whole_numbers(tmp_path, number):
    row = {**read_pope("pope-random-1"), "question_id": number}
    assert join(write(tmp_path / "a.jsonl", [row])) == {"pope-random-1": "Yes"}
    questions = [Question("COCO_val2014_000000000001.jpg", ("COCO_val2014_000000000001.jpg",), (Turn("user", "?"),))]
    path = write(tmp_path / "b.jsonl", [{"image_id": number, "caption": "A dog."}])
    (answer,) = join_answers(read_given_answers(path), questions, where="b")
    assert answer.text == "A dog."


@pytest.mark.parametrize("said", [["Yes"], "['Yes']", '["Yes"]'])
def test_a_list_of_one_text_is_that_text(tmp_path, said):
    assert join(write(tmp_path / "a.jsonl", [{**read_pope("pope-random-1"), "answer": said}])) == {
        "pope-random-1": "Yes"
    }


@pytest.mark.parametrize("said", [["Yes", "No"], "['Yes', 'No']"])
def test_a_list_of_several_texts_is_no_answer_to_one_question(tmp_path, said):
    with pytest.raises(DataError, match="a list of 2 texts in 'answer'; expected one answer"):
        join(write(tmp_path / "a.jsonl", [{**read_pope("pope-random-1"), "answer": said}]))


def test_a_table_by_columns_and_the_one_list_of_an_object_are_rows(tmp_path):
    rows = [read_pope(key) for key in ASKED]
    columns = {name: {str(n): row[name] for n, row in enumerate(rows)} for name in rows[0]}
    (tmp_path / "a.json").write_text(json.dumps(columns))
    (tmp_path / "b.json").write_text(json.dumps({"model": "m", "results": rows}))
    assert join(tmp_path / "a.json") == join(tmp_path / "b.json") == SAID


FIGURE = {"category": "VD", "subcategory": "chart", "set_id": "178", "figure_id": "0", "question_id": "0"}
HALLUSION = Question("hallusion-VD-chart-178-0-0", ("a.png",), (Turn("user", "Is bar 3 the tallest?"),), {})


@pytest.mark.parametrize(
    "row",
    [
        {"index": "VD_chart_1_178_0_0", "question": "Is bar 3 the tallest?", "answer": "Yes", "prediction": "No."},
        {**FIGURE, "question": "Is bar 3 the tallest?", "gt_answer": "1", "model_prediction": "No."},
        {**FIGURE, "set_id": 178.0, "gt_answer": "1", "model_prediction": "No."},
        {"doc_id": 7, "target": "1", "filtered_resps": "No.", "input": "Is bar 3 the tallest?", "aAcc": {**FIGURE}},
        {"doc_id": 7, "doc": {**FIGURE, "question": "Is bar 3 the tallest?"}, "filtered_resps": ["No."]},
    ],
)
def test_questions_of_hallusionbench_are_named_in_every_harness(tmp_path, row):
    (answer,) = join_answers(read_given_answers(write(tmp_path / "a.jsonl", [row])), [HALLUSION], where="a")
    assert (answer.id, answer.text) == (HALLUSION.id, "No.")


def build_reviewed():
    """As LLaVA-Bench: wordings that return, with a reference and a description."""
    asked = ["Describe this photo.", "What is it?", "Describe this photo.", "Why?"]
    return [
        Question(
            f"wild-{n}",
            (f"{n // 2}.jpg",),
            (Turn("user", text),),
            {"question_id": n, "reference": f"Reference {n}.", "context": f"Caption {n // 2}.\n\ndog: [0, 0, 1, 1]"},
        )
        for n, text in enumerate(asked)
    ]


@pytest.mark.parametrize("kept", [("doc_id",), ("reference",), ("context",), ("index",)])
def test_answers_to_llava_bench_are_joined_by_whatever_tells(tmp_path, kept):
    rows = []
    for n, question in enumerate(build_reviewed()):
        row = {"input": question.prompt[-1].text, "filtered_resps": f"Mine {n}.", "target": "", "doc_id": None}
        if kept == ("index",):  # VLMEvalKit, which counts from 0 and holds the caption
            row = {
                "index": n,
                "question": question.prompt[-1].text,
                "caption": f"Caption {n // 2}.",
                "prediction": f"Mine {n}.",
            }
        told = {"doc_id": n} if "doc_id" in kept else {}
        told |= {"target": f"Reference {n}."} if "reference" in kept else {}
        review = {"ans1": f"Reference {n}." if "reference" in kept else "", "context": f"Caption {n // 2}."}
        told |= {"gpt_eval_llava_all": review} if "context" in kept else {}
        rows.append(row | told)
    path = write(tmp_path / "a.jsonl", rows[::-1])
    joined = join_answers(read_given_answers(path), build_reviewed(), where="a")
    assert {answer.id: answer.text for answer in joined} == {f"wild-{n}": f"Mine {n}." for n in range(4)}


def test_places_in_another_order_name_nothing(tmp_path):
    rows = [
        {"doc_id": n, "input": question.prompt[-1].text, "target": "", "filtered_resps": f"Mine {n}."}
        for n, question in enumerate(build_reviewed()[::-1])
    ]
    with pytest.raises(DataError, match="to none of them"):
        join_answers(read_given_answers(write(tmp_path / "a.jsonl", rows)), build_reviewed(), where="a")


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
        ([{"doc": {}, "resps": [[3]]}], "expected one response, as text"),
        ([{"doc": {}, "resps": ["a", "b"]}], "2 of them; expected one response"),
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
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match="more than 1000"):
        read_given_answers(tmp_path / "a.xlsx")


def ask_about(count):
    return [
        Question(f"q{n}", (f"{n}.jpg",), (Turn("user", f"Is there a dog in picture {n}?"),), {"label": label(n)})
        for n in range(count)
    ]


def label(number):
    return ("yes", "no")[number % 2]


@pytest.mark.parametrize("others", [{}, {"content": "Yes"}, {"model": "Yes"}], ids=str)
def test_labels_are_not_taken_for_a_model_that_is_always_right(tmp_path, others):
    rows = [{"question_id": n, "image": f"{n}.jpg", "answer": label(n), **others} for n in range(20)]
    given = read_given_answers(write(tmp_path / "a.jsonl", rows))
    with pytest.raises(DataError, match=r"the label itself.* all 20 rows; .*--answer-column answer"):
        join_answers(given, ask_about(20), where="a.jsonl")
    assert len(join_answers(given, ask_about(20), where="a.jsonl", named=True)) == 20
    rows[3]["answer"] = "No."
    given = read_given_answers(write(tmp_path / "a.jsonl", rows))
    assert len(join_answers(given, ask_about(20), where="a.jsonl")) == 20


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('{"role": "assistant", "content": "No"}', "No"),
        ('[["No"]]', "No"),
        ('[{"role": "assistant", "content": "No"}]', "No"),
        ("NaN", None),
        ('"CUDA out of memory. Tried to allocate 2 GiB"', None),
        ('"torch.OutOfMemoryError"', None),
        ('"Max retries exceeded with url: /v1"', None),
        ('"content_filter"', None),
        ('"[]"', None),
        ('"The man ran out of memory cards."', "The man ran out of memory cards."),
    ],
)
def test_messages_are_answers_and_what_failed_calls_leave_is_not(tmp_path, said, text):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"image": "0.jpg", "response": {said}}}\n{{"image": "1.jpg", "response": "Yes"}}\n')
    found = {answer.id: answer.text for answer in join_answers(read_given_answers(path), ask_about(2), where="a")}
    assert found == ({} if text is None else {"q0": text}) | {"q1": "Yes"}


def test_the_column_that_is_advised_is_not_one_that_may_hold_labels(tmp_path):
    rows = [{"image": f"{n}.jpg", "prediction": "Yes", "answer": label(n)} for n in range(2)]
    with pytest.raises(DataError, match="--answer-column prediction"):
        read_given_answers(write(tmp_path / "a.jsonl", rows))
