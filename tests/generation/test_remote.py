"""An endpoint answers a file of questions: side by side, resumable, and what fails is named."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from endpoint_server import EndpointServer, Fault
from errata.cli import main
from errata.endpoints import ChatClient, EndpointSettings, parse_endpoint
from errata.errors import ConfigError, DataError
from errata.generation import GenerationSettings, ask_endpoint
from errata.records import Question, Turn, read_answers, write_questions
from tiny_models import save_images

SETTINGS = GenerationSettings(max_tokens=9)
QUICK = EndpointSettings(concurrency=4, timeout_s=5, max_attempts=2, backoff_s=0.01, give_up_s=5)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    save_images(folder, 2)
    return folder


@pytest.fixture(scope="module")
def questions():
    asked = [Question(f"q{n}", (f"image{n % 2}.png",), (Turn("user", f"What is {n}?"),)) for n in range(5)]
    return [*asked, Question("talk", ("image0.png",), (Turn("user", "Hello?"),), followups=("Why?", "Really?"))]


def reply(seen):
    """What the server says; it tells how much it was told."""
    return f"I read {len(seen.body['messages'])} turns, the last was {seen.text.splitlines()[-1]}"


def connect(*servers, settings=QUICK):
    return ChatClient(parse_endpoint(f"openai:tiny@{','.join(server.url for server in servers)}"), settings)


def test_answers_are_joined_by_id_and_rounds_hear_the_answers_before(questions, place, tmp_path):
    out, counts = tmp_path / "a.jsonl", []
    with EndpointServer(reply) as one, EndpointServer(reply) as other:
        client = connect(one, other)
        found = ask_endpoint(
            client, questions, SETTINGS, image_root=place, out=out, on_progress=lambda *given: counts.append(given)
        )
        assert found.missing == {}
        assert [answer.id for answer in found.answers] == [question.id for question in questions]
        assert found.answers[3].text == "I read 1 turns, the last was What is 3?"
        assert found.answers[5].rounds == tuple(
            f"I read {n} turns, the last was {text}" for n, text in ((1, "Hello?"), (3, "Why?"), (5, "Really?"))
        )
        assert read_answers(out) == found.answers
        assert counts[-1][:2] == (6, 6)
        assert counts[-1][2] == sum(len(said.split()) for answer in found.answers for said in answer.rounds)
        third = next(seen for seen in one.seen + other.seen if "Really?" in seen.text)
        assert third.body["messages"][1]["content"] == found.answers[5].earlier[0]
        assert {len(server.seen) for server in (one, other)} != {0, 8}
        kept = ask_endpoint(client, questions, SETTINGS, image_root=place, out=out)
        assert len(one.seen + other.seen) == 8
        assert kept == found
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.jsonl.run.json"]


def test_what_fails_is_named_and_asked_again(questions, place, tmp_path):
    out = tmp_path / "a.jsonl"

    def fail(number, seen):
        return Fault("status", 400) if "What is 2" in seen.text or "Why?" in seen.text else None

    with EndpointServer(reply, fault=fail) as server:
        found = ask_endpoint(connect(server), questions, SETTINGS, image_root=place, out=out)
    assert [answer.id for answer in found.answers] == ["q0", "q1", "q3", "q4"]
    assert set(found.missing) == {"q2", "talk"}
    assert found.missing["q2"].startswith("bad request: ")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl.failed.jsonl").read_text().splitlines()]
    assert [(row["id"], row["kind"]) for row in rows] == [("q2", "bad request"), ("talk", "bad request")]
    with EndpointServer(reply) as server:
        whole = ask_endpoint(connect(server), questions, SETTINGS, image_root=place, out=out)
        # The first round of the conversation was not asked again.
        assert sorted(seen.text.splitlines()[-1] for seen in server.seen) == ["Really?", "What is 2?", "Why?"]
    assert (len(whole.answers), whole.missing) == (6, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.jsonl.run.json"]


@pytest.mark.parametrize("stop", [1, 4, 7])
def test_a_run_that_ends_anywhere_ends_in_the_same_file(questions, place, tmp_path, stop):
    class StopError(Exception):
        pass

    calls = []

    def count(*given):
        calls.append(given)
        if len(calls) > stop:
            raise StopError

    with EndpointServer(reply) as server:
        ask_endpoint(connect(server), questions, SETTINGS, image_root=place, out=tmp_path / "whole.jsonl")
        with pytest.raises(StopError):
            ask_endpoint(
                connect(server), questions, SETTINGS, image_root=place, out=tmp_path / "a.jsonl", on_progress=count
            )
        with (tmp_path / "a.jsonl").open("a") as file:
            file.write('{"id": "half')
        ask_endpoint(connect(server), questions, SETTINGS, image_root=place, out=tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_samples_get_seeds_of_their_own(questions, place):
    sampled = replace(SETTINGS, temperature=0.7, top_p=0.9, repetition_penalty=1.1)
    with EndpointServer(reply) as server:
        ask_endpoint(connect(server), questions[:3], sampled, image_root=place)
        ask_endpoint(connect(server), questions[:3], sampled, image_root=place)
        ask_endpoint(connect(server), questions[:1], SETTINGS, image_root=place)
    bodies = [seen.body for seen in server.seen]
    assert len({body["seed"] for body in bodies[:6]}) == 3
    stated = {(body["temperature"], body["top_p"], body["repetition_penalty"]) for body in bodies[:6]}
    assert stated == {(0.7, 0.9, 1.1)}
    assert bodies[6].keys().isdisjoint({"seed", "top_p", "repetition_penalty"})


def test_a_question_that_cannot_be_asked_costs_no_other(questions, place, tmp_path):
    """Its image is not there, or it is refused; the same call goes on with it once that is mended."""
    lost, out = [questions[0], replace(questions[1], images=("later.png",)), *questions[2:4]], tmp_path / "a.jsonl"

    def refuse(question):
        if question.id == "q2":
            raise DataError("q2", expected="words", found="marks", fix="mend it")

    with EndpointServer(reply) as server:
        found = ask_endpoint(connect(server), lost, SETTINGS, image_root=place, out=out, check=refuse)
        assert [answer.id for answer in found.answers] == ["q0", "q3"]
        assert found.missing["q1"].startswith("image: ")
        assert found.missing["q2"].startswith("question: ")
        assert len(server.seen) == 2
        (place / "later.png").write_bytes((place / questions[1].images[0]).read_bytes())
        found = ask_endpoint(connect(server), lost, SETTINGS, image_root=place, out=out)
        assert [answer.id for answer in found.answers] == ["q0", "q1", "q2", "q3"]
        assert len(server.seen) == 4


def test_whether_to_think_is_told_as_servers_take_it(questions, place):
    with EndpointServer(reply) as server:
        for thinking in (None, False, True):
            ask_endpoint(connect(server), questions[:1], replace(SETTINGS, thinking=thinking), image_root=place)
        told = [request.body.get("chat_template_kwargs") for request in server.seen]
    assert told == [None, {"enable_thinking": False}, {"enable_thinking": True}]


def test_what_an_endpoint_cannot_do_is_refused(questions, place, tmp_path):
    with EndpointServer(reply) as server:
        client = connect(server)
        for name, value in (("num_beams", 3), ("no_repeat_ngram_size", 5), ("image_mode", "pad")):
            with pytest.raises(ConfigError, match=name):
                ask_endpoint(client, questions, replace(SETTINGS, **{name: value}), image_root=place)
        lost = replace(questions[0], images=("none.png",))
        with pytest.raises(DataError, match=r"question 'q0': none\.png"):
            ask_endpoint(client, [lost], SETTINGS, image_root=place)
        assert not server.seen
        ask_endpoint(client, questions[:2], SETTINGS, image_root=place, out=tmp_path / "a.jsonl")
        with pytest.raises(ConfigError, match="another run"):
            ask_endpoint(client, questions, SETTINGS, image_root=place, out=tmp_path / "a.jsonl")
        assert len(server.seen) == 2


def test_a_first_try_that_brought_nothing_does_not_bind_the_next(questions, place, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "")
    out = tmp_path / "a.jsonl"
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        ask_endpoint(ChatClient(parse_endpoint("openai:gpt-4o")), questions, SETTINGS, image_root=place, out=out)
    assert not list(tmp_path.iterdir())
    with EndpointServer(fault=lambda *_: Fault("status", 404)) as server:
        misnamed = ChatClient(parse_endpoint(f"openai:tniy@{server.url}"), QUICK)
        assert len(ask_endpoint(misnamed, questions, SETTINGS, image_root=place, out=out).missing) == 6
    with EndpointServer(reply) as server:
        assert len(ask_endpoint(connect(server), questions, SETTINGS, image_root=place, out=out).answers) == 6
        with pytest.raises(ConfigError, match="another run"):
            ask_endpoint(misnamed, questions, SETTINGS, image_root=place, out=out)


def test_the_verb_exits_3_where_answers_are_missing_and_0_once_they_are_there(questions, place, tmp_path, capsys):
    write_questions(place / "questions.jsonl", questions)
    out = tmp_path / "a.jsonl"

    def command(server):
        words = ["generate", f"openai:tiny@{server.url}", place / "questions.jsonl", "--out", out]
        return [str(word) for word in [*words, "--concurrency", "3", "--timeout-s", "5"]]

    def fail(number, seen):
        return Fault("status", 400) if "What is 2" in seen.text else None

    with EndpointServer(reply, fault=fail) as server:
        assert main(command(server)) == 3
        printed = capsys.readouterr()
        assert f"5 answers: {out}" in printed.out
        assert f"1 question without an answer: {out}.failed.jsonl" in printed.err
        assert "1 x no answer: bad request: status 400: told to fail" in printed.err
        assert server.most_at_once <= 3
    with EndpointServer(reply) as server:  # another address, the same model
        assert main(command(server)) == 0
        assert "6 done, " in capsys.readouterr().err
        assert len(server.seen) == 1
        assert main([*command(server), "--fresh"]) == 0
        assert len(server.seen) == 9
        assert main([*command(server), "--protocol", "amp"]) == 2
        assert "num_beams" in capsys.readouterr().err


@pytest.mark.parametrize(
    "thoughts", ["", "<think>hm", "Let me see.</think>It"], ids=["taken away", "open", "cut answer"]
)
def test_a_limit_that_ends_a_reply_in_its_thoughts_is_raised_once(place, questions, thoughts):
    choice = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": thoughts}}

    def spend(_, seen):
        return Fault("reply", reply={"choices": [choice]}) if seen.body["max_tokens"] < 4000 else None

    with EndpointServer(fault=spend) as server:
        found = ask_endpoint(connect(server), questions[:1], SETTINGS, image_root=place)
    assert [seen.body["max_tokens"] for seen in server.seen] == [9, 9 + 4096]
    assert (found.answers[0].text, found.answers[0].finished) == ("Yes", True)
    assert found.answers[0].meta["changes"] == {"max_tokens": "9 and 4096 more for thoughts"}


def test_an_answer_without_thoughts_is_cut_and_not_asked_for_again(place, questions):
    choice = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "A dog and"}}
    with EndpointServer(fault=lambda *_: Fault("reply", reply={"choices": [choice]})) as server:
        found = ask_endpoint(connect(server), questions[:1], SETTINGS, image_root=place)
    assert len(server.seen) == 1
    assert (found.answers[0].text, found.answers[0].finished) == ("A dog and", False)
