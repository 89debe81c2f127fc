"""The record format: what is written comes back, and every row that cannot be used names its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errata.errors import DataError, StorageError
from errata.records import (
    Answer,
    BadRow,
    Question,
    Record,
    Response,
    Segment,
    Turn,
    read_answers,
    read_questions,
    read_records,
    record_to_row,
    write_answers,
    write_questions,
    write_records,
)
from errata.records.jsonl import parse_record
from errata.storage import read_json_lines, write_json_lines, write_text
from errata.storage.lines import parse_line

GOOD = {"id": "a", "images": ["a.png"], "prompt": "What?", "responses": [{"level": 0, "text": "One."}]}

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
plain = st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def records(draw) -> Record:
    rounds = draw(st.integers(1, 3))
    unique = draw(st.lists(st.lists(texts, min_size=rounds, max_size=rounds), min_size=1, max_size=4, unique_by=tuple))
    best = unique[0]
    responses = []
    for level, own in enumerate(unique):
        turns = []
        for number, text in enumerate(own):
            turns += [Turn("user", draw(plain))] if number else []
            turns.append(Turn("assistant", text))
        segments = []
        for _ in range(draw(st.integers(0, 2))):
            number = draw(st.integers(0, rounds - 1))
            start, end = sorted(draw(st.tuples(*[st.integers(0, len(own[number]))] * 2)))
            low, high = sorted(draw(st.tuples(*[st.integers(0, len(best[number]))] * 2)))
            kind = draw(st.sampled_from([None, "object", "misc"]))
            segments.append(Segment(start, end, low, high, kind, number))
        responses.append(Response(tuple(turns), level, tuple(segments), draw(st.sampled_from([None, "llava"]))))
    return Record(
        id=draw(texts),
        images=tuple(draw(st.lists(texts, max_size=2))),
        prompt=(Turn("system", draw(plain)), Turn("user", "Describe."))[draw(st.integers(0, 1)) :],
        responses=tuple(responses),
        source=draw(st.sampled_from([None, "RLHF-V"])),
        meta=draw(st.dictionaries(plain, st.integers(-(2**63), 2**63 - 1) | plain | st.booleans(), max_size=2)),
    )


@given(records())
def test_a_record_survives_its_line(record):
    line = json.dumps(record_to_row(record)).encode()
    assert parse_record(parse_line("f:1", line), "f:1") == record


def test_a_file_of_records_comes_back(tmp_path):
    record = parse_record(GOOD | {"id": "é\u2028\n", "meta": {"n": 1}}, "x")
    path = tmp_path / "new" / "records.jsonl"
    write_records(path, [record, parse_record(GOOD, "x")])
    assert read_records(path) == [record, parse_record(GOOD, "x")]
    assert [file.name for file in path.parent.iterdir()] == ["records.jsonl"]


def test_editors_marks_and_blank_lines_do_not_matter(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n  \n")
    assert [record.id for record in read_records(path)] == ["a"]
    path.write_bytes(b"")
    assert read_records(path) == []


def change(**fields) -> dict:
    return {name: value for name, value in (GOOD | fields).items() if value is not ...}


def answer(**fields) -> dict:
    return change(responses=[{"level": 0, "text": "One two."}, {"level": 1, "text": "One three."} | fields])


def segment(**fields) -> dict:
    return answer(segments=[{"start": 4, "end": 9, "better_start": 4, "better_end": 7} | fields])


BAD = {
    "not json": "{oops",
    "not json at all": "hello",
    "a list": [GOOD],
    "nan": '{"id": NaN}',
    "nan in meta": '{"id": "a", "prompt": "p", "responses": [{"level": 0, "text": "t"}], "meta": {"x": NaN}}',
    "infinity": '{"id": -Infinity}',
    "overflow": '{"level": 1e999}',
    "huge integer": '{"level": ' + "9" * 5000 + "}",
    "65 bits": '{"level": 18446744073709551616}',
    "duplicate key": '{"id": "a", "id": "b"}',
    "nested duplicate key": '{"meta": {"x": 1, "x": 1}}',
    "lone surrogate": '{"id": "\\ud800"}',
    "deep": "[" * 100_000,
    "bad utf-8": b'{"id": "\xff"}',
    "no id": change(id=...),
    "null id": change(id=None),
    "empty id": change(id=""),
    "id of another type": change(id=3),
    "no responses field": change(responses=...),
    "no responses": change(responses=[]),
    "responses as object": change(responses={}),
    "response as text": change(responses=["One."]),
    "unknown field": change(respones=[]),
    "unknown response field": answer(rank=2),
    "image as number": change(images=[1]),
    "image as text": change(images="a.png"),
    "empty image": change(images=[""]),
    "no prompt": change(prompt=...),
    "empty prompt": change(prompt=[]),
    "blank question": change(prompt=" "),
    "only a placeholder": change(prompt="<image>"),
    "prompt ends with assistant": change(prompt=[{"role": "assistant", "text": "x"}]),
    "unknown role": change(prompt=[{"role": "human", "text": "x"}]),
    "turn without text": change(prompt=[{"role": "user"}]),
    "turn of another type": change(prompt=[3]),
    "too many placeholders": change(prompt="<image><image> What?"),
    "placeholder without image": change(images=[], prompt="<image> What?"),
    "empty text": answer(text="  "),
    "identical texts": answer(text="One two."),
    "level missing": answer(level=None),
    "level as text": answer(level="1"),
    "level as float": answer(level=1.0),
    "level as bool": answer(level=True),
    "level from one": change(responses=[{"level": 1, "text": "x"}]),
    "level negative": answer(level=-1),
    "level too large": answer(level=10**10),
    "text and turns": answer(turns=[{"role": "assistant", "text": "x"}]),
    "neither text nor turns": answer(text=None),
    "turns end with user": change(
        responses=[{"level": 0, "turns": [{"role": "assistant", "text": "x"}, {"role": "user", "text": "y"}]}]
    ),
    "no turns": change(responses=[{"level": 0, "turns": []}]),
    "segment outside": segment(end=99),
    "segment backwards": segment(start=9, end=4),
    "segment negative": segment(start=-1),
    "better span outside": segment(better_end=99),
    "segment of unknown type": segment(type="colour"),
    "segment in a missing round": segment(round=1),
    "segment field misspelt": segment(stop=3),
    "meta as list": change(meta=[1]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_names_its_line_and_can_be_set_aside(tmp_path, name):
    row = BAD[name]
    bad = row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode()
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(json.dumps(GOOD | {"id": "first"}).encode() + b"\n\n" + bad + b"\n" + json.dumps(GOOD).encode())
    with pytest.raises(DataError) as caught:
        read_records(path)
    assert caught.value.where.startswith(f"{path}:3")
    assert caught.value.fix
    assert len(str(caught.value)) < 600
    aside: list[BadRow] = []
    assert [record.id for record in read_records(path, on_bad=aside.append)] == ["first", "a"]
    assert [row.where for row in aside] == [f"{path}:3"]
    assert aside[0].line == bad.decode("utf-8", "replace")


def test_good_variants_of_the_bad_rows_are_good():
    for row in (GOOD, answer(), segment(), segment(type="object", round=0), answer(level=0), change(images=[])):
        parse_record(row, "x")


def test_an_id_occurs_once(tmp_path):
    path = tmp_path / "a.jsonl"
    write_json_lines(path, [GOOD, GOOD])
    with pytest.raises(DataError, match=r"a\.jsonl:2: id 'a' again.*a\.jsonl:1"):
        read_records(path)


@pytest.mark.parametrize("make", ["missing", "folder"])
def test_a_file_that_is_not_one_is_named(tmp_path, make):
    path = tmp_path if make == "folder" else tmp_path / "none.jsonl"
    with pytest.raises(DataError, match="readable file"):
        read_records(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_hold_is_not_written(tmp_path, value):
    path = tmp_path / "a.jsonl"
    path.write_text("old")
    with pytest.raises(DataError, match=r"a\.jsonl:2"):
        write_json_lines(path, [{"x": 1}, {"x": value}])
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_writer_that_breaks_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.jsonl"
    write_text(path, "old")

    def rows():
        yield {"x": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_json_lines(path, rows())
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="choose another folder"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_a_full_disk_is_a_storage_error_and_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(StorageError, match="No space left"):
        write_text(path, "new")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_questions_and_answers_come_back(tmp_path):
    turns = (Turn("system", "Be brief."), Turn("user", "What?"))
    questions = [Question("a", ("a.png",), turns[1:]), Question("b", (), turns, {"label": "yes"}, ("Why?",))]
    answers = [Answer("a", "x"), Answer("b", "", "m", False, {"k": 1}, ("Yes.",))]
    write_questions(tmp_path / "q.jsonl", questions)
    write_answers(tmp_path / "a.jsonl", answers)
    assert read_questions(tmp_path / "q.jsonl") == questions
    assert read_answers(tmp_path / "a.jsonl") == answers
    assert [where for where, _ in read_json_lines(tmp_path / "a.jsonl")][1].endswith("a.jsonl:2")


@pytest.mark.parametrize(
    "row",
    [
        {"id": "", "prompt": "x"},
        {"id": "a"},
        {"id": "a", "prompt": "x", "image": "a.png"},
        {"id": "a", "prompt": "<image> x"},
        {"id": "a", "prompt": [{"role": "assistant", "text": "x"}]},
        {"id": "a", "prompt": "x", "followups": ["Why?", " "]},
        {"id": "a", "images": ["a.png"], "prompt": "x", "followups": ["<image> And this?"]},
    ],
)
def test_a_bad_question_names_its_line(tmp_path, row):
    write_json_lines(tmp_path / "q.jsonl", [{"id": "z", "prompt": "x"}, row])
    with pytest.raises(DataError, match=r"q\.jsonl:2"):
        read_questions(tmp_path / "q.jsonl")


def test_a_question_occurs_once(tmp_path):
    write_json_lines(tmp_path / "q.jsonl", [{"id": "z", "prompt": "x"}] * 2)
    with pytest.raises(DataError, match=r"q\.jsonl:2: id 'z' again"):
        read_questions(tmp_path / "q.jsonl")
