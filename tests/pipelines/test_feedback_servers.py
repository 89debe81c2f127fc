"""What is odd about a server's replies is told and kept by every method of feedback, and by generation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endpoint_server import EndpointServer, Fault, Seen
from errata.cli.main import main
from errata.errors import DONE, INCOMPLETE
from errata.feedback import CORRECT
from errata.feedback.claims.split import SPLIT
from errata.records import Answer, read_records, write_answers
from world_input import WorldInput, write_world_input

CLAIM = "- There is a dog. => Is there a dog?"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    world = write_world_input(tmp_path_factory.mktemp("world"))
    write_answers(world.root / "answers.jsonl", [Answer(f"q{n}", f"top: a blue dog {n}.") for n in range(2)])
    return world


def answer(seen: Seen) -> str:
    if CORRECT.text[-40:] in seen.text:
        return "- attribute: blue => red\n<corrected>\na red dog\n</corrected>"
    return CLAIM if SPLIT.text[-40:] in seen.text else "Yes"


def refuse_limit(number: int, seen: Seen) -> Fault | None:
    """A reasoning model behind an alias."""
    if "max_tokens" in seen.body:
        said = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return Fault("status", 400, reply={"message": said, "param": "max_tokens", "code": "unsupported_parameter"})
    return Fault("reply", reply={"model": "another"})


def list_commands(world: WorldInput, url: str, out: Path) -> dict[str, list[object]]:
    model, cache = f"openai:tiny@{url}", ["--judge-cache", out / "verdicts.sqlite"]
    given = [world.questions, "--answers", world.root / "answers.jsonl"]
    return {
        "claims": ["feedback", "claims", *given, "--splitter", model, "--labeller", model, *cache],
        "correct": ["feedback", "correct", world.records, "--judge", model, *cache],
        "meg": ["feedback", "meg", world.records, "--models", model],
        "generate": ["generate", model, world.questions],
    }


def run(words: list[object], out: Path) -> int:
    return main([*map(str, words), "--out", str(out)])


WHO = {
    "claims": ("splitter: ", "labeller: "),
    "correct": ("judge: ",),
    "meg": ("openai:tiny: ",),
    "generate": ("  ",),
}


@pytest.mark.parametrize("verb", WHO)
def test_what_a_server_did_not_take_and_who_replied_is_told_and_kept(world, tmp_path, capsys, verb):
    with EndpointServer(answer, fault=refuse_limit) as server:
        words = list_commands(world, server.url, tmp_path)[verb]
        code = run(words, tmp_path / "out")
        asked = len(server.seen)
        told = capsys.readouterr().err
        assert run(words, tmp_path / "out") == code
        assert len(server.seen) == asked
        again = capsys.readouterr().err
        assert all(line in again for line in told.splitlines() if line.startswith(WHO[verb]))
    for who in WHO[verb]:
        assert f"{who}max_tokens: sent as max_completion_tokens" in told
        assert f"{who}model: tiny was asked for, another replied" in told
    if verb == "generate":
        return
    report = json.loads((tmp_path / "out" / "feedback.json").read_text())["report"]
    places = [report.get(name) for name in ("splitter", "labeller", "judging")]
    kept = [one for one in [*places, report.get("answered", {}).get("openai:tiny")] if one is not None]
    assert len(kept) == len(WHO[verb])
    for one in kept:
        assert [row["parameter"] for row in one["changes"]] == ["max_tokens", "model"]


def cut(number: int, seen: Seen) -> Fault:
    choice = {"index": 0, "message": {"role": "assistant", "content": CLAIM}, "finish_reason": "length"}
    return Fault("reply", reply={"choices": [choice]})


@pytest.mark.parametrize(("verb", "title"), [("claims", "splitter"), ("correct", "judge")])
def test_replies_that_are_cut_off_twice_are_failures_with_the_way_out(world, tmp_path, capsys, verb, title):
    with EndpointServer(answer, fault=cut) as server:
        assert run(list_commands(world, server.url, tmp_path)[verb], tmp_path / "out") == INCOMPLETE
    told = capsys.readouterr().err
    assert "cut off at 2048 tokens and again at 8192 (more room for the judge with --judge-max-tokens)" in told
    assert f"{title}: " in told
    assert "replies cut off at the limit of tokens, each asked for once more" in told
    assert read_records(tmp_path / "out" / "records.jsonl") == []


def test_thoughts_are_no_verdicts(world, tmp_path):
    def think(seen: Seen) -> str:
        first = "NOTHING WRONG\n" if CORRECT.text[-40:] in seen.text else "- A cat. => Is there a cat?\nNo"
        return f"<think>\n{first}\n</think>\n{answer(seen)}"

    with EndpointServer(think) as server:
        commands = list_commands(world, server.url, tmp_path)
        assert run(commands["correct"], tmp_path / "correct") == DONE
        run(commands["claims"], tmp_path / "claims")
    corrected = read_records(tmp_path / "correct" / "records.jsonl")
    assert {record.responses[0].text for record in corrected} == {"a red dog"}
    rows = [json.loads(line) for line in (tmp_path / "claims" / "claims.jsonl").read_text().splitlines()]
    assert [[(one["claim"], one["ok"]) for one in row["claims"]] for row in rows] == [[("There is a dog.", True)]] * 2
