"""What a model behind an endpoint did not answer, and what its server did not take, as commands tell it."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from endpoint_server import EndpointServer, Fault
from errata.cli import main
from errata.records import read_answers


@pytest.fixture
def place(tmp_path):
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    rows = [{"id": name, "images": [name], "prompt": "What is there?", "followups": ["Sure?"]} for name in names]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    things = ["dog", "cat", "car", "bus", "cup", "bed"]
    annotations = [{"image": name, "objects": things[place : place + 3]} for place, name in enumerate(names)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in annotations))
    return tmp_path


RETIRED = Fault("status", 404, reply={"message": "The model `m` has been deprecated", "code": "model_not_found"})
COLD = {"message": "Unsupported value: 'temperature' does not support 0.0. Only the default (1) value is supported."}


def cold(_, seen):
    return Fault("status", 400, reply=COLD) if seen.body.get("temperature") == 0 else None


def run_eval(server, place, *more):
    command = ["eval", f"openai:m@{server.url}", "--benchmarks", "chair", "--annotations", str(place / "a.jsonl")]
    return main([*command, "--out", str(place / "out"), *more])


def read_coverage(place):
    return json.loads((place / "out" / "results.json").read_text())["coverage"]["chair"]


def test_eval_says_why_nothing_was_answered_and_where_it_stands(place, capsys):
    faults = [RETIRED]
    with EndpointServer(lambda seen: "A dog.", fault=lambda *_: faults[0] if faults else None) as server:
        assert run_eval(server, place) == 3
        gone = read_coverage(place)["reasons"]
        faults.clear()
        assert run_eval(server, place) == 0
    printed = capsys.readouterr()
    assert "4 x no answer: not found: the server was given up: status 404: The model `m` has been" in printed.out
    assert "the same command" not in printed.out
    assert f"4 questions of chair without an answer: {place}/out/answers/chair.jsonl.failed.jsonl" in printed.err
    assert [(one["count"], one["what"]) for one in gone] == [(4, "no answer")]
    assert read_coverage(place)["reasons"] == []


def test_eval_says_what_the_server_did_not_take_also_when_it_goes_on(place, capsys):
    with EndpointServer(lambda seen: "A dog.", fault=cold) as server:
        assert run_eval(server, place) == 0
        first = (place / "out" / "results.json").read_bytes()
        assert run_eval(server, place) == 0
    assert "temperature: 0.0 refused: the server's own (1) (4 answers)" in capsys.readouterr().out
    assert read_coverage(place)["changes"][0]["replies"] == 4
    assert (place / "out" / "results.json").read_bytes() == first


def test_answers_that_a_limit_cut_off_are_counted(place, capsys):
    half = {"choices": [{"message": {"content": "A dog and"}, "finish_reason": "length"}]}
    with EndpointServer(fault=lambda number, _: Fault("reply", reply=half) if number % 2 else None) as server:
        assert run_eval(server, place, "--concurrency", "1") == 0
    assert "2 cut off at the limit of tokens" in capsys.readouterr().out
    assert read_coverage(place)["cut"] == 2


def test_eval_lists_the_models_where_several_answered(place, capsys):
    other = Fault("reply", reply={"model": "m-mini"})
    with EndpointServer(lambda seen: "A dog.", fault=lambda number, _: other if number == 0 else None) as server:
        assert run_eval(server, place, "--concurrency", "1") == 0
        assert "answers of several models: m 3, m-mini 1" in capsys.readouterr().out
        assert run_eval(server, place, "--fresh", "--reply-model", "m-large") == 0
    assert "several models" not in capsys.readouterr().out


def test_generate_keeps_what_the_server_did_not_take_through_conversations_and_stops(place, capsys):
    out = place / "answers.jsonl"
    command = ["generate", "MODEL", str(place / "questions.jsonl"), "--out", str(out), "--concurrency", "1"]

    def fail(number, seen):
        if number > 6:
            return Fault("status", 400, reply={"message": f"odd request {number}"})
        return cold(number, seen)

    with EndpointServer(lambda seen: "A dog.", fault=fail) as server:
        command[1] = f"openai:m@{server.url}"
        assert main(command) == 3
    printed = capsys.readouterr().err
    assert f"without an answer: {out}.failed.jsonl" in printed
    assert "x no answer: bad request: status 400: odd request" in printed
    with EndpointServer(lambda seen: "A dog.", fault=cold) as server:
        command[1] = f"openai:m@{server.url}"
        assert main(command) == 0
    answers = read_answers(out)
    assert [len(answer.rounds) for answer in answers] == [2] * 4
    assert all(answer.meta["changes"] == {"temperature": "0.0 refused: the server's own (1)"} for answer in answers)
