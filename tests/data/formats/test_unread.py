"""No format passes over a column that may hold a question, an answer or a picture; all others are reported and kept."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from errata.cli import main
from errata.data import DataPart, check_file, import_records, load_mixture, load_records, records_from_trl
from errata.data.formats.amp import AMP
from errata.data.formats.choice import CHOICE
from errata.data.formats.conversations import CONVERSATIONS
from errata.data.formats.llama_factory import LLAMA_FACTORY
from errata.data.formats.llava_rlhf import LLAVA_RLHF
from errata.data.formats.ms_swift import MS_SWIFT
from errata.data.formats.rlaifv import RLAIFV
from errata.data.formats.rlhfv import RLHFV
from errata.data.formats.table import TABLE
from errata.data.formats.trl import TRL
from errata.data.formats.vlfeedback import VLFEEDBACK
from errata.data.formats.vocabulary import guess_content
from errata.data.formats.vqa import VQA
from errata.errors import DataError
from errata.records import Turn, read_records
from foreign_rows import amp_row, llava_rlhf_row, picture, rlaifv_row, save_pictures, vlfeedback_row, write_lines
from format_rows import read_row

TALK = [{"from": "human", "value": "<image>Q?"}, {"from": "gpt", "value": "Good."}]
PAIR = {"image": "a.png", "prompt": "Q?", "chosen": "Good.", "rejected": "Bad."}
HELD = {"image": {"bytes": None, "path": "a.png"}}
ROWS = [
    (CONVERSATIONS, {"image": "a.png", "conversations": TALK}),
    (TRL, PAIR),
    (LLAMA_FACTORY, {"images": ["a.png"], "conversations": TALK[:1], "chosen": TALK[1], "rejected": "Bad."}),
    (MS_SWIFT, {"images": ["a.png"], "messages": TALK, "rejected_response": "Bad."}),
    (RLAIFV, rlaifv_row(**HELD)),
    (RLHFV, {**HELD, "ds_name": "x", "text": json.dumps({"question": "Q?", "chosen": "A.", "rejected": "B."})}),
    (VLFEEDBACK, vlfeedback_row(("5", "5", "5"), ("4", "4", "4"))),
    (AMP, amp_row("A.", "B.")),
    (LLAVA_RLHF, llava_rlhf_row()),
    (CHOICE, {"image": "a.png", "prompt": "Q?", "response_a": "A.", "response_b": "B.", "winner": "a"}),
    (VQA, {"image": "a.png", "question": "Q?", "question_id": 1, "answers": ["a"]}),
    (TABLE, PAIR),
]
LOST = {
    "another answer": ({"second_response": "Worse."}, "column 'second_response' may hold an answer"),
    "an answer in camel case": ({"goodAnswer": "Better."}, "column 'goodAnswer' may hold an answer"),
    "answers in a list": ({"negatives_text": ["Worse."]}, "may hold an answer"),
    "a conversation": ({"other": [{"role": "user", "content": "x"}]}, "column 'other' may hold a conversation"),
    "a picture's path": ({"second": "b.png"}, "column 'second' may hold a picture"),
    "a picture's bytes": ({"depth": b"\x89PNG"}, "column 'depth' may hold a picture"),
    "a numbered picture": ({"image_2": "b.png"}, "column 'image_2' may hold a picture"),
    "a worse picture": ({"negative_images": ["b.png"]}, "column 'negative_images' may hold a picture"),
    "a video": ({"videos": ["b.mp4"]}, "column 'videos' may hold a picture"),
    "tools": ({"tools": '[{"name": "zoom"}]'}, "column 'tools' may hold a question"),
    "prose": ({"zzz": "A bus stands in front of a house, and a dog looks at it."}, "column 'zzz' may hold a text"),
    "an answer in an object": ({"pair": {"worse": "No."}}, "column 'pair' may hold an answer"),
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(("known", "row"), ROWS, ids=lambda one: getattr(one, "name", ""))
def test_no_format_passes_over_what_may_be_a_question_an_answer_or_a_picture(known, row, lost):
    fields, words = LOST[lost]
    assert read_row(known, row)
    with pytest.raises(DataError, match=r"^data\.json:7: ") as caught:
        read_row(known, row | fields)
    assert words in caught.value.found
    assert "--columns" in caught.value.fix
    assert "--ignore" in caught.value.fix


HARMLESS = {"score": 3, "town": "Bonn", "answer_type": "other", "prompt_id": "p7", "chosen_model": "m", "split": "a"}
HARMLESS |= {
    "image_id": 9,
    "image_name": "a.jpg",
    "image_url": "http://x/a.png",
    "rejected_logps": [0.5],
    "empty": None,
}
HARMLESS |= {"rationale": "The bus is red in the picture, and it is not blue at all.", "also": [], "length": "long"}


@pytest.mark.parametrize(("known", "row"), ROWS, ids=lambda one: getattr(one, "name", ""))
def test_every_other_column_is_counted_and_kept(known, row):
    names = [name for name in HARMLESS if name not in row and name not in ("empty", "also")]
    read = {"table": ["chosen_model"], "vqav2": ["answer_type", "image_id", "split"]}.get(known.name, [])
    names = [name for name in names if name not in read]
    unread: Counter[str] = Counter()
    (record,) = read_row(known, HARMLESS | row, unread=unread)
    assert {name: count for name, count in unread.items() if name in HARMLESS} == dict.fromkeys(names, 1)
    assert {name: record.meta[name] for name in names} == {name: HARMLESS[name] for name in names}


BESIDE_PAIRS = ["caption", "coco_captions", "image_description", "ocr_text", "hint", "ground_truth", "gt_answer", "GT"]
BESIDE_PAIRS += ["reference", "ref_answer", "answer_gt", "correct_answer", "solution", "error_description"]


@pytest.mark.parametrize("name", BESIDE_PAIRS)
@pytest.mark.parametrize("value", ["A bus stands in front of a house, and a dog looks at it.", ["A bus."]])
def test_what_a_pair_was_made_or_judged_by_is_no_answer_that_is_lost(name, value):
    unread: Counter[str] = Counter()
    (record,) = read_row(TRL, PAIR | {name: value}, unread=unread)
    assert (record.meta, unread) == ({name: value}, {name: 1})


def test_beside_a_single_answer_what_is_known_to_be_right_may_be_the_better_one():
    row = {"image": "a.png", "conversations": TALK}
    for name in ("ground_truth", "gt_answer", "reference", "correct_answer"):
        with pytest.raises(DataError, match=f"column '{name}' may hold an answer"):
            read_row(CONVERSATIONS, row | {name: "Better."})
    for name in ("caption", "image_captions", "ocr_text", "hint"):
        assert read_row(CONVERSATIONS, row | {name: "A bus."})[0].meta == {name: "A bus."}


@pytest.mark.parametrize("name", ["rejected_caption", "caption_b_answer", "bad_reference", "second_gt_response"])
def test_such_words_beside_those_of_another_answer_are_one(name):
    with pytest.raises(DataError, match="may hold an answer"):
        read_row(TRL, PAIR | {name: "A bus."})


@pytest.mark.parametrize("name", ["raw_prompt", "original_question", "human_input"])
def test_a_question_that_is_said_again_is_no_loss_and_another_one_is(name):
    assert read_row(TRL, PAIR | {name: "<image>\nQ?"})[0].meta == {name: "<image>\nQ?"}
    with pytest.raises(DataError, match=f"column '{name}' may hold"):
        read_row(TRL, PAIR | {name: "R?"})


@pytest.mark.parametrize("fields", [{"rejected_images": ["a.png"]}, {"answer": "Good."}, {"messages": "Q?"}])
def test_a_column_that_repeats_one_that_was_read_is_no_loss(fields):
    row = {"images": ["a.png"], "prompt": "Q?", "chosen": "Good.", "rejected": "Bad."}
    if "messages" in fields:
        fields = {"messages": row["chosen"]}
    assert read_row(TRL, row | fields)[0].prompt == (Turn("user", "Q?"),)


NAMES = [
    ("rejected_answer", "No.", "an answer"),
    ("y_l", "No.", "an answer"),
    ("badResponse", "No.", "an answer"),
    ("response_1", ["No."], "an answer"),
    ("GT", "No.", "an answer"),
    ("userPrompt", "What?", "a question"),
    ("img2", "a.png", "a picture"),
    ("anything", {"bytes": b"x", "path": None}, "a picture"),
    ("anything", "data:image/png;base64,AAAA", "a picture"),
    ("备注", "图中有一辆红色的公交车停在一栋白色的房子前面。", "a text"),
    ("chosen_score", "9", None),
    ("question_type", "what", None),
    ("answer", 3, None),
    ("output_tokens", "17", None),
    ("tools", "[]", None),
    ("comment", "The annotator was not sure about the colour of the bus.", None),
    ("metadata", {"answer": "x"}, None),
]


@pytest.mark.parametrize(("name", "value", "expected"), NAMES)
def test_names_and_values_say_what_a_column_may_hold(name, value, expected):
    assert guess_content(name, value) == expected


def test_another_name_of_a_picture_that_was_read_is_none_that_is_lost():
    assert guess_content("image_path", "coco/x.png", ["a.png"]) is None
    assert guess_content("file", "sub/a.jpg", ["a.png"]) is None
    assert guess_content("image_path", "coco/x.png") == "a picture"
    assert guess_content("second_image", "coco/x.png", ["a.png"]) == "a picture"
    assert guess_content("image_paths", ["x.png", "y.png"], ["a.png"]) == "a picture"


def write(folder: Path, kind: str, row: dict) -> Path:
    """One row in a container of this kind."""
    path = folder / f"rows.{kind}"
    if kind == "jsonl":
        return write_lines(path, [row])
    if kind == "json":
        path.write_text(json.dumps([row]))
    elif kind == "csv":
        path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    else:
        pq.write_table(pa.Table.from_pylist([row | {"image": {"bytes": picture(), "path": "a.png"}}]), path)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet"])
def test_every_container_and_verb_refuses_and_reports(tmp_path, kind, capsys, caplog):
    save_pictures(tmp_path, "a.png")
    lost = write(tmp_path, kind, PAIR | {"worse_answer": "Worse."})
    command = ["data", "import", str(lost), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert "'worse_answer' may hold an answer" in capsys.readouterr().err
    with pytest.raises(DataError, match="'worse_answer' may hold an answer"):
        load_records(lost, import_dir=tmp_path / "data")
    assert main([*command, "--skip-bad"]) == 3
    assert "'worse_answer' may hold an answer" in (tmp_path / "out" / "bad.jsonl").read_text()
    assert main([*command, "--ignore", "worse_answer"]) == 0
    assert "note: columns 'worse_answer' left out (1)" in capsys.readouterr().out
    columns = "prompt=prompt,chosen=chosen,rejected=rejected,rejected2=worse_answer,image=image"
    assert main([*command, "--columns", columns]) == 0
    assert read_records(tmp_path / "out" / "records.jsonl")[0].levels == (0, 1, 2)
    capsys.readouterr()
    told = write(tmp_path, kind, PAIR | {"town": "Bonn"})
    assert main(command) == 0
    assert "columns not read, and kept in meta: town (1)" in capsys.readouterr().out
    with caplog.at_level(logging.WARNING):
        assert load_records(told, import_dir=tmp_path / "data2").records[0].meta == {"town": "Bonn"}
    assert "columns not read, and kept in meta: town (1)" in caplog.text


def test_a_column_is_left_out_of_what_is_read_directly_and_of_every_part_of_a_mixture(tmp_path):
    save_pictures(tmp_path, "a.png")
    paths = [write(tmp_path, kind, PAIR | {"worse_answer": "Worse."}) for kind in ("jsonl", "csv", "parquet")]
    for path in paths:
        assert load_records(path, import_dir=tmp_path / "data", ignore=["worse_answer"]).records[0].meta == {}
    parts = [DataPart(path) for path in paths]
    assert len(load_mixture(parts, import_dir=tmp_path / "parts", ignore=["worse_answer"]).records) == 3
    with pytest.raises(DataError, match="ignore_columns=worse_answer"):
        load_mixture(parts, import_dir=tmp_path / "parts")


def test_a_check_tells_columns_that_nobody_reads_and_finds_rows_that_lose_something(tmp_path, capsys):
    save_pictures(tmp_path, "a.png")
    rows = [PAIR | {"town": "Bonn"}, PAIR | {"prompt": "R?", "town": "Jena"}, PAIR | {"worse_answer": "Worse."}]
    report = check_file(write_lines(tmp_path / "rows.jsonl", rows))
    found = {finding.kind: finding.message for finding in report.findings}
    assert "'worse_answer' may hold an answer" in found["field"]
    assert report.unread == {"town": 2}
    capsys.readouterr()
    command = ["data", "check", str(tmp_path / "rows.jsonl")]
    assert main(command) == 3
    assert "columns not read, and kept in meta: town (2)" in capsys.readouterr().out
    main([*command, "--json"])
    assert json.loads(capsys.readouterr().out)["unread"] == {"town": 2}


def test_rows_in_a_program_are_looked_at_too(tmp_path, caplog):
    row = {"images": [Image.new("RGB", (4, 3))], "prompt": "Q?", "chosen": "Good.", "rejected": "Bad."}
    with pytest.raises(DataError, match="row 1: column 'rejected_images' may hold a picture"):
        records_from_trl([row | {"rejected_images": [Image.new("RGB", (4, 3), "red")]}], tmp_path)
    with caplog.at_level(logging.WARNING):
        (record,) = records_from_trl([row | {"town": "Bonn"}], tmp_path)
    assert record.meta == {"town": "Bonn"}
    assert "town (1)" in caplog.text


@pytest.mark.parametrize("label", [True, False])
@pytest.mark.parametrize("name", ["label", "kto_tag", "is_desirable"])
def test_one_answer_with_a_word_on_whether_it_is_good_is_no_answer_to_learn(name, label):
    row = {"image": "a.png", "conversations": TALK, name: label}
    with pytest.raises(DataError, match="says whether it is good"):
        read_row(CONVERSATIONS, row)


def test_a_file_of_no_known_format_says_how_to_name_its_columns(tmp_path):
    cases = {
        "kto": ({"prompt": "Q", "completion": "A.", "label": True}, "join the rows of one question"),
        "scores": (
            {"question": "Q", "completions": ["A.", "B."], "scores": [1, 2], "img": "a.png"},
            "--columns prompt=question,responses=completions,ratings=scores,image=img",
        ),
        "two": ({"query": "Q", "good": "A.", "bad": "B."}, "--columns prompt=query,chosen=good,rejected=bad"),
        "one": ({"instruction": "Q", "output": "A."}, "--columns prompt=instruction,answer=output"),
        "ranked": ({"instruction": "Q", "output": ["A.", "B."]}, "--columns prompt=instruction,responses=output"),
        "unsaid": (
            {"query": "Q", "response_1": "A.", "response_2": "B.", "score_1": 1},
            "chosen=BETTER,rejected=WORSE",
        ),
        "judged": (
            {"query": "Q", "response": ["A.", "B."], "ground_truth": "A."},
            "--columns prompt=query,responses=response ",
        ),
    }
    for name, (row, words) in cases.items():
        with pytest.raises(DataError) as caught:
            import_records(write_lines(tmp_path / f"{name}.jsonl", [row]), tmp_path / "out")
        assert words in caught.value.fix


def test_ratings_in_a_column_of_their_own_are_levels():
    columns = {"prompt": "q", "responses": "all", "ratings": "marks"}
    (record,) = read_row(TABLE, {"q": "Q", "all": ["A.", "B.", "C."], "marks": [1, 5, 1.0]}, columns=columns)
    assert [(one.text, one.level) for one in record.responses] == [("B.", 0), ("A.", 1), ("C.", 1)]
    rated = [{"response": "A.", "score": 1}, {"response": "B.", "score": 2}]
    (record,) = read_row(TABLE, {"q": "Q", "all": rated}, columns={"prompt": "q", "responses": "all"})
    assert [(one.text, one.level) for one in record.responses] == [("B.", 0), ("A.", 1)]
    for marks in ([1], [1, "x", 2], [None, 1, 2], "x"):
        with pytest.raises(DataError, match="a number for each of ratings"):
            read_row(TABLE, {"q": "Q", "all": ["A.", "B.", "C."], "marks": marks}, columns=columns)
