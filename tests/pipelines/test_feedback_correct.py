"""`errata feedback correct`: from records or from questions and answers, judged by an endpoint or from a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endpoint_server import EndpointServer, Fault
from errata.cli.main import main
from errata.errors import DONE, INCOMPLETE, USAGE
from errata.records import Answer, read_records, write_answers
from errata.storage import write_json_lines
from world_input import WorldInput, write_world_input


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    world = write_world_input(tmp_path_factory.mktemp("world"))
    answers = [
        Answer("q0", "top: a blue dog.", "tiny"),
        Answer("q1#1", "left: a red cat.", "tiny", meta={"sample_of": "q1", "sample": 1}),
        Answer("q1#2", "left: a green cat.", "tiny", meta={"sample_of": "q1", "sample": 2}),
        Answer("q2", " ", "tiny"),
        Answer("q3", "right: a red cup.", "tiny"),
        Answer("q4", "right: a blue cup.", "tiny"),
        Answer("stranger", "right: a red cup.", "tiny"),
    ]
    write_answers(world.root / "answers.jsonl", answers)
    return world


def correct(source: Path, folder: Path, judge: str, *more: object) -> list[str]:
    words = ["feedback", "correct", source, *more, "--judge", judge, "--judge-cache", folder / "verdicts.sqlite"]
    return [str(word) for word in [*words, "--out", folder / "out"]]


def read_table(folder: Path) -> dict[str, int]:
    summary = json.loads((folder / "out" / "feedback.json").read_text())
    return {row["what"]: row["count"] for row in summary["counts"]}


def answer(seen) -> str:
    """A judge who takes every blue for red, and cannot look at cups."""
    quoted = seen.text.split("<answer ")[-1].split("\n")[1]
    if "cup" in quoted:
        return "I see no cup, sorry."
    return f"- attribute: blue => red\n<corrected>\n{quoted.replace('blue', 'red')}\n</corrected>"


def test_a_record_with_another_tools_markup_costs_no_other(world, tmp_path, capsys):
    texts = [("What?", "A blue dog."), ("<image1> What?", "A blue dog."), ("What?", "A.</s>")]
    rows = [
        {"id": f"r{number}", "images": [], "prompt": prompt, "responses": [{"level": 0, "text": text}]}
        for number, (prompt, text) in enumerate(texts)
    ]
    write_json_lines(tmp_path / "records.jsonl", rows)
    with EndpointServer(answer) as server:
        assert main(correct(tmp_path / "records.jsonl", tmp_path, f"openai:eye@{server.url}")) == INCOMPLETE
        assert len(server.seen) == 1
    assert "another tool's markup in the record" in capsys.readouterr().out


def test_answers_of_questions_are_all_accounted_for(world, tmp_path, capsys):
    with EndpointServer(answer) as server:
        judge = f"openai:eye@{server.url}"
        command = correct(world.questions, tmp_path, judge, "--answers", world.root / "answers.jsonl")
        assert main([*command, "--dry-run"]) == DONE
        assert "calls     5" in capsys.readouterr().out
        assert not server.seen
        assert main(command) == INCOMPLETE
        asked = len(server.seen)
        assert all(
            any(part.get("type") == "image_url" for part in seen.body["messages"][-1]["content"])
            for seen in server.seen
        )
        assert main(command) == INCOMPLETE
        assert len(server.seen) == asked  # unreadable replies are kept too
    assert read_table(tmp_path) == {
        "prompts": 10,  # seven answers, and three questions that nobody answered
        "kept": 1,
        "question without an answer": 3,
        "nothing wrong": 2,
        "unreadable reply": 2,
        "empty answer": 1,
        "answer to no question": 1,
    }
    (record,) = read_records(tmp_path / "out" / "records.jsonl")
    assert (record.id, record.responses[0].text) == ("q0", "top: a red dog.")
    assert record.responses[0].model == "tiny, corrected by openai:eye"
    assert [one.type for one in record.responses[1].segments] == ["attribute"]
    assert main(["data", "check", str(tmp_path / "out")]) == DONE


def test_a_judge_that_dies_half_way_is_asked_for_the_rest_alone(world, tmp_path, capsys):
    with EndpointServer(answer, fault=lambda number, seen: Fault("status", 400) if number >= 3 else None) as server:
        assert main(correct(world.records, tmp_path, f"openai:eye@{server.url}")) == INCOMPLETE
    table = read_table(tmp_path)
    assert (table["prompts"], table["kept"], table["no reply"]) == (8, 3, 5)
    with EndpointServer(answer) as server:
        assert main(correct(world.records, tmp_path, f"openai:eye@{server.url}")) == DONE
        assert len(server.seen) == 5
    records = read_records(tmp_path / "out" / "records.jsonl")
    assert [record.id for record in records] == [f"r{n}" for n in range(8)]
    for record in records:  # the lowest response is the one that was corrected
        assert record.responses[1].text.endswith("bottom: a green star.")
        assert record.responses[0].text == record.responses[1].text.replace("blue", "red")


def test_recorded_replies_correct_offline_and_the_guard_of_style_applies(world, tmp_path, capsys):
    replies = {"r0": "a blue dog.", "r1": "NOTHING WRONG"}
    rows = [
        {
            "prompt": "correct-answer",
            "id": name,
            "reply": text if text.isupper() else f"<corrected>\n{text}\n</corrected>",
        }
        for name, text in replies.items()
    ]
    write_json_lines(tmp_path / "replies.jsonl", rows)
    command = correct(world.records, tmp_path, f"scripted:{tmp_path / 'replies.jsonl'}", "--max-length-factor", "1.5")
    assert main(command) == INCOMPLETE
    table = read_table(tmp_path)
    assert table == {
        "prompts": 8,
        "kept": 0,
        "no reply": 6,
        "nothing wrong": 1,
        "length too far from the best answer's": 1,
    }
    assert read_records(tmp_path / "out" / "records.jsonl") == []


def test_bad_input_is_named(world, tmp_path, capsys):
    nobody = ["feedback", "correct", str(world.records), "--out", str(tmp_path / "out")]
    (tmp_path / "empty.jsonl").write_text("")
    cases = {
        "judge: none; expected who corrects": nobody,
        "max_edit: 2.0": correct(world.records, tmp_path, "scripted:x", "--max-edit", "2"),
        "expected answers to correct": correct(
            tmp_path / "empty.jsonl", tmp_path, f"scripted:{tmp_path / 'empty.jsonl'}"
        ),
        "the one being read": [
            *correct(world.records, tmp_path, f"scripted:{tmp_path / 'empty.jsonl'}")[:-1],
            str(world.root),
        ],
    }
    for words, command in cases.items():
        assert main(command) == USAGE
        assert words in capsys.readouterr().err


def test_a_lost_picture_and_a_question_with_markup_cost_no_other(world, tmp_path):
    questions = [json.loads(line) for line in world.questions.read_text().splitlines()]
    questions[0]["images"], questions[1]["prompt"] = ["absent.png"], "<image1> What is it?"
    source = tmp_path / "questions.jsonl"
    write_json_lines(source, questions)
    with EndpointServer(answer) as server:
        more = ["--answers", world.root / "answers.jsonl", "--image-root", world.root]
        command = correct(source, tmp_path, f"openai:eye@{server.url}", *more)
        assert main([*command, "--dry-run"]) == DONE
        assert main(command) == INCOMPLETE
    table = read_table(tmp_path)
    assert (table["no picture to look at"], table["another tool's markup in the question"]) == (1, 2)
    assert table["unreadable reply"] == 2
