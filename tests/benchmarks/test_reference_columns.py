"""Files of RefoMB and MRHal-Bench in their repositories' forms: references are not taken for the model's answers."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Setup, build_benchmarks, find_data, join_answers, read_given_answers
from errata.errors import DataError
from errata.records import Question, Turn
from official_rows import write_document, write_lines

TURNS = ("<image>\nIs there a cup {}?", "Yes, a red cup {}.", "And what else?", "A table {}, of dark wood.")


@pytest.fixture
def refomb(tmp_path, shared_data):
    """The released questions with invented references in the release's form; and those rows."""
    rows = [json.loads(line) for line in (shared_data / "refomb" / "RefoMB_dev.jsonl").read_text().splitlines()]
    told = [row | {"answer": f"As GPT-4V saw it, scene {number}."} for number, row in enumerate(rows)]
    write_lines(tmp_path / "refomb" / "RefoMB_dev.jsonl", rows)
    write_lines(tmp_path / "refomb" / "RefoMB_gpt4v_dev.jsonl", told)
    return load("refomb", tmp_path), told


@pytest.fixture
def mrhal(tmp_path):
    """Dialogues of which two are about one image; and rows in the form of AMP's answers."""
    texts = [[turn.format(n) for turn in TURNS] for n in range(4)]
    rows = [{"id": n, "image": f"mr{n // 2}.png", "image_content": ["Cup"], "label": ["existence"]} for n in range(4)]
    asked = [row | {"revised": [{"value": turn} for turn in turns]} for row, turns in zip(rows, texts, strict=True)]
    write_document(tmp_path / "mrhal" / "eval_gt.json", asked)
    told = [
        row | {"question": [turns[0].removeprefix("<image>\n"), turns[2]], "gt_answer": [turns[1], turns[3]]}
        for row, turns in zip(rows, texts, strict=True)
    ]
    return load("mrhal", tmp_path), told


def load(name, folder):
    (benchmark,) = build_benchmarks([name])
    return [benchmark.prompt(row) for row in benchmark.load(Setup(data=find_data(name, folder)))]


def say(row):
    return f"Something of number {row['id']} is seen."


def join(questions, rows, path, column=None):
    write_lines(path, rows)
    given = read_given_answers(path, column)
    joined = join_answers(given, questions, where=path.name, named=column is not None)
    return {answer.id: [*answer.earlier, answer.text] for answer in joined}


def test_refomb_rows_as_released_are_joined(refomb, tmp_path):
    questions, told = refomb
    expected = {f"refomb-{n}": [say(row)] for n, row in enumerate(told)}
    for names in (("gt_answer", "answer"), ("gpt4v_answer", "answer"), ("reference", "response")):
        rows = [{k: v for k, v in row.items() if k != "answer"} | {names[0]: row["answer"]} for row in told]
        rows = [row | {names[1]: say(row)} for row in rows]
        assert join(questions, rows[::-1], tmp_path / "a.jsonl") == expected, names


@pytest.mark.parametrize("column", ["answer", "response", "text"])
@pytest.mark.parametrize("source", ["answer", "description"])
def test_refomb_references_and_descriptions_are_no_answers(refomb, tmp_path, source, column):
    questions, told = refomb
    rows = [{"image_url": row["image_url"], "question": row["question"], column: row[source]} for row in told]
    with pytest.raises(DataError, match=f"the reference itself, letter by letter, in all 99.*--answer-column {column}"):
        join(questions, rows, tmp_path / "a.jsonl")
    assert len(join(questions, rows, tmp_path / "a.jsonl", column)) == 99, "unless somebody says that it did say that"
    rows[7][column] = "Nothing of the kind."
    assert len(join(questions, rows, tmp_path / "a.jsonl")) == 99


@pytest.mark.parametrize("column", ["response", "my_vlm"])
def test_refomb_references_beside_answers_need_the_option(refomb, tmp_path, column):
    questions, told = refomb
    rows = [row | {column: say(row)} for row in told]
    with pytest.raises(DataError, match=f"'answer' and '{column}', which differ.*--answer-column {column}"):
        join(questions, rows, tmp_path / "a.jsonl")
    assert join(questions, rows, tmp_path / "a.jsonl", column)["refomb-3"] == [say(told[3])]


def test_dialogues_are_joined_by_their_id_though_they_share_images(mrhal, tmp_path):
    questions, told = mrhal
    rows = [row | {"model_answer": [say(row), "A dog."]} for row in told]
    assert join(questions, rows[::-1], tmp_path / "a.jsonl") == {
        f"mrhal-{n}": [say(row), "A dog."] for n, row in enumerate(told)
    }
    rows[1]["question"] = ["Is there a bus?", "And what else?"]
    with pytest.raises(DataError, match="an answer to 'is there a bus"):
        join(questions, rows, tmp_path / "a.jsonl")


def test_references_and_questions_of_dialogues_are_no_answers(mrhal, tmp_path):
    questions, told = mrhal
    path = tmp_path / "a.jsonl"
    with pytest.raises(DataError, match=r"no text under any of .*gt_answer.*--answer-column"):
        join(questions, told, path)
    bare = [{"id": row["id"], "image": row["image"], "question": row["question"]} for row in told]
    for column in ("answer", "model_answer"):
        rows = [row | {column: one["gt_answer"]} for row, one in zip(bare, told, strict=True)]
        with pytest.raises(DataError, match=f"the reference itself.* in all 4 rows.*--answer-column {column}"):
            join(questions, rows, path)
    with pytest.raises(DataError, match=r"the question itself, in 4 of 4 rows"):
        join(questions, [row | {"answer": row["question"]} for row in bare], path)


@pytest.mark.parametrize("column", ["model_answer", "mine"])
def test_references_of_dialogues_beside_answers_need_the_option(mrhal, tmp_path, column):
    questions, told = mrhal
    rows = [
        {name: row[name] for name in ("id", "image")} | {"answer": row["gt_answer"], column: [say(row), "A dog."]}
        for row in told
    ]
    with pytest.raises(DataError, match=f"'answer' and '{column}', which differ.*--answer-column {column}"):
        join(questions, rows, tmp_path / "a.jsonl")
    assert join(questions, rows, tmp_path / "a.jsonl", column)["mrhal-2"] == [say(told[2]), "A dog."]


def test_captions_of_people_are_no_answers_but_a_short_one_may_be(tmp_path):
    for text, refused in (("A brown dog sits on the grass.", True), ("A dog.", False)):
        questions = [
            Question(f"{n}.jpg", (f"{n}.jpg",), (Turn("user", "Describe it."),), {"captions": ["A lawn.", text]})
            for n in range(25)
        ]
        rows = [{"image_id": f"{n}.jpg", "caption": text} for n in range(25)]
        if refused:
            with pytest.raises(DataError, match="the reference itself"):
                join(questions, rows, tmp_path / "a.jsonl")
        else:
            assert len(join(questions, rows, tmp_path / "a.jsonl")) == 25
