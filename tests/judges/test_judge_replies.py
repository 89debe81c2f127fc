"""Replies that are cut off, thought aloud or refused in part: never guessed, always told."""

from __future__ import annotations

import json
import sqlite3

import pytest

from endpoint_server import EndpointServer, Fault
from errata.cli import main
from errata.judges import Judge, JudgeFailure, JudgeReply, Parameters, VerdictCache, build_judge, summarise
from judged import build_call


class Limited:
    """Replies in turn, `(text, finished)`, and remembers how much room it was given; None fails."""

    name = model = "scripted:limited"
    free = True

    def __init__(self, *replies):
        self.replies, self.rooms = list(replies), []

    def ask(self, requests, on_reply):
        for request in requests:
            self.rooms.append(request.max_tokens)
            reply = self.replies.pop(0)
            if reply is None:
                on_reply(JudgeFailure(request.key, "server error: no", "try again"))
            else:
                on_reply(JudgeReply(request.key, reply[0], finished=reply[1]))


@pytest.fixture
def place(tmp_path):
    return tmp_path / "verdicts.sqlite"


def ask(backend, place, **settings):
    return Judge(backend, VerdictCache(place), **settings).ask([build_call("a", "An answer.")])[0]


GUESS = ("Perhaps Rating: 1, but wait", False)


def test_a_guess_in_a_reply_that_was_cut_off_is_no_verdict(place):
    backend = Limited(GUESS, ("Rating: 4", True))
    verdict = ask(backend, place)
    assert (verdict.status, verdict.value, verdict.samples[0].cut) == ("read", 4, 1)
    assert backend.rooms == [64, 4096]
    assert ask(Limited(), place) == verdict  # all from the cache, the second reply under its own room


def test_a_reply_that_is_cut_off_twice_is_unreadable_and_not_asked_a_third_time(place):
    backend = Limited(GUESS, GUESS)
    sample = ask(backend, place).samples[0]
    assert (sample.status, sample.value, sample.cut) == ("unreadable", None, 2)
    assert sample.cause == "cut off at 64 tokens and again at 4096"
    assert "--judge-max-tokens" in sample.remedy
    assert ask(Limited(), place).samples[0] == sample
    summary = summarise([build_call("a", "An answer.")], [ask(Limited(), place)])
    assert (summary["unreadable"], summary["cut"], summary["cut_replies"]) == (1, 1, 2)
    assert summary["reasons"][0]["what"] == "unreadable verdict"


def test_the_second_try_of_a_cut_reply_is_not_one_of_the_attempts(place):
    backend = Limited(("no idea", True), GUESS, ("none", True), ("Rating: 2", True))
    assert ask(backend, place).value == 2
    assert backend.rooms == [64, 64, 4096, 4096]
    alone = Limited(GUESS, ("Rating: 3", True))
    assert ask(alone, place.with_name("other"), attempts=1).value == 3


def test_the_room_can_be_stated_and_is_kept_apart(place):
    first, second = Limited(("Rating: 1", True)), Limited(GUESS, ("Rating: 5", True))
    assert ask(first, place).value == 1
    assert ask(second, place, max_tokens=3000).value == 5
    assert (first.rooms, second.rooms) == ([64], [3000, 12000])
    assert ask(Limited(), place).value == 1


def test_a_cut_reply_whose_second_try_fails_is_missing_and_asked_again(place):
    sample = ask(Limited(GUESS, None), place).samples[0]
    assert (sample.status, sample.remedy) == ("missing", "try again")
    again = Limited(("Rating: 6", True))
    assert ask(again, place).value == 6
    assert again.rooms == [4096]


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("<think>\nFirst Rating: 1. No.\n</think>\n\nRating: 4", 4),
        ("Rating: 1? No.\n</think>\nRating: 4", 4),
        ("[THINK]Rating: 1[/THINK]Rating: 4", 4),
        ("<think>\nRating: 1, and so on", None),
    ],
)
def test_thoughts_are_passed_over_and_endless_ones_are_no_verdict(place, reply, value):
    verdict = ask(Limited((reply, True)), place, attempts=1)
    assert (verdict.value, verdict.samples[0].raw) == (value, reply)
    if value is None:
        assert "does not end" in verdict.samples[0].cause


def test_a_cache_of_the_version_before_is_taken_over(place):
    ask(Limited(("Rating: 2", True)), place)
    Judge(Limited(("Rating: 3", True)), VerdictCache(place)).ask([build_call("b", "Another.")])
    with sqlite3.connect(place) as old:
        old.execute("UPDATE replies SET completion_tokens = 64 WHERE raw = 'Rating: 3'")
        old.execute("ALTER TABLE replies DROP COLUMN finished")
        old.execute("ALTER TABLE replies DROP COLUMN changes")
        old.execute("PRAGMA user_version = 1")
    old.close()
    assert ask(Limited(), place).value == 2
    backend = Limited(("Rating: 5", True))  # the other one had filled its room: its verdict may be half a thought
    assert Judge(backend, VerdictCache(place)).ask([build_call("b", "Another.")])[0].value == 5
    assert backend.rooms == [4096]


def test_a_judge_that_refuses_its_temperature_is_told_and_remembered(place):
    said = {
        "message": "Unsupported value: 'temperature' does not support 0.0. Only the default (1) value is supported."
    }
    rule = lambda _, seen: Fault("status", 400, reply=said) if seen.body.get("temperature") == 0 else None  # noqa: E731
    calls = [build_call(f"c{n}", f"Answer {n}.") for n in range(20)]
    with EndpointServer(lambda seen: "Rating: 4", fault=rule) as server:
        judge = build_judge(f"openai:o9@{server.url}", place, parameters=Parameters(0.0))
        told = summarise(calls, judge.ask(calls))
    assert (told["read"], told["missing"]) == (20, 0)
    assert told["changes"] == [
        {"parameter": "temperature", "change": "0.0 refused: the server's own (1)", "replies": 20}
    ]
    assert summarise(calls, build_judge("openai:o9@http://127.0.0.1:9/v1", place, offline=True).ask(calls)) == told


def test_reasons_are_counted_and_advice_fits_them(tmp_path, shared_data, capsys):
    rows = json.loads((shared_data / "mmhal_bench" / "mmhal-bench_answer_template.json").read_text())
    rows = [{**row, "model_answer": f"There is one, {number}."} for number, row in enumerate(rows)]
    (tmp_path / "a.json").write_text(json.dumps(rows))

    def rule(number, seen):
        if number % 3 == 0:
            return Fault("status", 400, reply={"message": f"filtered, request {number}", "code": "content_filter"})
        return (
            Fault("reply", reply={"choices": [{"message": {"content": "Rating: 1"}, "finish_reason": "length"}]})
            if number % 3 == 1
            else None
        )

    with EndpointServer(lambda seen: "Rating: 4", fault=rule) as server:
        command = ["score", "mmhal", str(tmp_path / "a.json"), "--data", str(shared_data), "--out", str(tmp_path / "o")]
        command += [
            "--judge",
            f"openai:m@{server.url}",
            "--judge-cache",
            str(tmp_path / "c"),
            "--judge-concurrency",
            "1",
        ]
        assert main(command) == 3
    printed = capsys.readouterr().out
    assert "the same command asks" not in printed
    reasons = json.loads((tmp_path / "o" / "results.json").read_text())["coverage"]["mmhal"]["reasons"]
    filtered = next(one for one in reasons if one["reason"].startswith("filtered"))
    assert f"{filtered['count']} x no verdict: filtered: status 400: filtered, request" in printed
    assert filtered["count"] > 20
    assert filtered["what"] == "no verdict"


def test_names_that_replies_may_carry_are_given_on_the_command_line(tmp_path, shared_data, capsys):
    rows = json.loads((shared_data / "mmhal_bench" / "mmhal-bench_answer_template.json").read_text())[:2]
    (tmp_path / "a.json").write_text(json.dumps([{**row, "model_answer": "There is one."} for row in rows]))
    command = ["score", "mmhal", str(tmp_path / "a.json"), "--allow-missing", "--data", str(shared_data)]
    command += ["--out", str(tmp_path / "o")]
    moved = Fault("reply", reply={"model": "gemma-3"})
    with EndpointServer(lambda seen: "Rating: 4", fault=lambda *_: moved) as server:
        command += ["--judge", f"openai:m@{server.url}", "--judge-reply-model"]
        main([*command, "llama", "--judge-cache", str(tmp_path / "one"), "--judge-timeout-s", "9"])
        refused = capsys.readouterr().out
        main([*command, "gemma-3", "--judge-cache", str(tmp_path / "two")])
        taken = capsys.readouterr().out
    assert "2 x no verdict: other model: the reply is of the model 'gemma-3'" in refused
    assert "--judge-reply-model" in refused
    assert "2 / 2" not in refused
    assert "0 without a verdict" in taken
    assert "gemma-3 replied" not in taken
