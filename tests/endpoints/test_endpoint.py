"""The client of endpoints against a real server that misbehaves: every fault ends in a reply or in a named failure."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from dataclasses import replace
from email.utils import formatdate

import pytest
from PIL import Image

from endpoint_server import EndpointServer, Fault
from errata.endpoints import ChatClient, ChatFailure, ChatReply, ChatRequest, EndpointSettings, parse_endpoint
from errata.endpoints.transport import find_proxy
from errata.errors import ConfigError, DataError
from errata.records import Turn

KEY = "sk-very-secret-0123456789"
QUICK = EndpointSettings(
    backoff_s=0.01, max_backoff_s=0.05, timeout_s=2.0, give_up_s=5.0, deadline_s=10.0, reply_models=("tiny-allowed",)
)


def request(name: str, text: str = "Is there a dog?") -> ChatRequest:
    return ChatRequest(name, (Turn("user", text),))


def ask(server: EndpointServer, count: int = 1, settings: EndpointSettings = QUICK) -> list[ChatReply | ChatFailure]:
    client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"), settings)
    return client.ask([request(f"q{number}", f"Question {number}?") for number in range(count)])


def test_replies_are_joined_by_id_and_say_what_they_cost():
    with EndpointServer(lambda seen: f"You asked: {seen.text}") as server:
        replies = ask(server, 20)
    assert [reply.id for reply in replies] == [f"q{number}" for number in range(20)]
    assert [reply.text for reply in replies] == [f"You asked: Question {number}?" for number in range(20)]
    first = replies[0]
    assert (first.model, first.finished, first.prompt_tokens, first.completion_tokens) == ("tiny", True, 2, 4)
    assert 0 < first.seconds < 10


FAULTS = {
    "429": Fault("status", 429),
    "500": Fault("status", 500),
    "503": Fault("status", 503),
    "drop": Fault("drop"),
    "cut body": Fault("cut"),
    "wrong JSON": Fault("bytes", data=b'{"choices": ['),
    "no JSON": Fault("bytes", data=b"<html>busy</html>"),
    "a list": Fault("bytes", data=b"[]"),
    "not UTF-8": Fault("bytes", data=b'{"model": "\xff"}'),
    "deep": Fault("bytes", data=b"[" * 200_000),
    "empty choices": Fault("reply", reply={"choices": []}),
    "choices of another kind": Fault("reply", reply={"choices": "Yes"}),
    "no text": Fault("reply", reply={"choices": [{"message": {"content": None}}]}),
    "two choices": Fault("reply", reply={"choices": [{"message": {"content": text}} for text in ("Yes", "No")]}),
    "text as a list": Fault("reply", reply={"choices": [{"message": {"content": [7]}}]}),
    "another model": Fault("reply", reply={"model": "cheaper"}),
    "compressed": Fault("bytes", headers={"content-encoding": "gzip"}, data=b"\x1f\x8b"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_costs_an_attempt_and_nothing_else(name):
    with EndpointServer(faults=[FAULTS[name]]) as server:
        (reply,) = ask(server)
    assert isinstance(reply, ChatReply)
    assert (reply.text, reply.attempts, len(server.seen)) == ("Yes", 2, 2)


KINDS = {
    "500": "server error",
    "cut body": "cut reply",
    "wrong JSON": "not JSON",
    "a list": "not JSON",
    "empty choices": "no choices",
    "no text": "no text",
    "two choices": "several choices",
    "another model": "other model",
}


@pytest.mark.parametrize("name", KINDS)
def test_a_fault_that_stays_is_a_named_failure_of_its_request_alone(name):
    with EndpointServer(fault=lambda _, seen: FAULTS[name] if "Question 1?" in seen.text else None) as server:
        outcomes = ask(server, 4)
    assert [isinstance(outcome, ChatReply) for outcome in outcomes] == [True, False, True, True]
    assert (outcomes[1].kind, outcomes[1].attempts) == (KINDS[name], QUICK.max_attempts)


def test_a_wait_that_the_server_asks_for_is_kept_by_every_request():
    limit = Fault("status", 429, headers={"retry-after": "1"})
    with EndpointServer(faults=[limit]) as server:
        replies = ask(server, 6, EndpointSettings(concurrency=1, backoff_s=0.01))
    times = [seen.at - server.seen[0].at for seen in server.seen]
    assert all(isinstance(reply, ChatReply) for reply in replies)
    assert len(times) == 7
    assert 1.0 <= times[1] < 3.0


@pytest.mark.parametrize("header", [{"retry-after-ms": "700"}, {"retry-after": formatdate(time.time() + 3600)}])
def test_waits_in_milliseconds_and_as_a_date_are_read(header):
    settings = EndpointSettings(backoff_s=0.01, deadline_s=30)
    with EndpointServer(faults=[Fault("status", 429, headers=header)]) as server:
        started = time.monotonic()
        (outcome,) = ask(server, 1, settings)
        took = time.monotonic() - started
    if "retry-after-ms" in header:
        assert isinstance(outcome, ChatReply)
        assert took >= 0.7
    else:  # an hour is more than the deadline: waiting for it would be in vain
        assert outcome.kind == "rate limit"
        assert took < 10


@pytest.mark.parametrize("wait", ["nan", "-5", "inf", "1e400", "soon", "9" * 400])
def test_a_senseless_wait_does_not_stop_a_run(wait):
    with EndpointServer(faults=[Fault("status", 429, headers={"retry-after": wait})]) as server:
        started = time.monotonic()
        (outcome,) = ask(server)
    assert time.monotonic() - started < 10
    assert outcome.id == "q0"


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_an_attempt_ends_at_its_time_out_even_if_bytes_drip(kind):
    settings = EndpointSettings(timeout_s=0.4, backoff_s=0.01)
    with EndpointServer(faults=[Fault(kind)]) as server:
        (reply,) = ask(server, 1, settings)
    assert isinstance(reply, ChatReply)
    assert reply.attempts == 2


def test_a_request_ends_at_its_deadline_and_a_call_at_its_own():
    settings = EndpointSettings(timeout_s=0.3, deadline_s=0.8, backoff_s=0.01, max_attempts=50)
    with EndpointServer(fault=lambda *_: Fault("hang")) as server:
        started = time.monotonic()
        (late,) = ask(server, 1, settings)
        assert time.monotonic() - started < 5
        kept = ask(server, 3, EndpointSettings(total_s=0.5))
    assert late.kind in ("deadline", "time-out")
    assert [outcome.kind for outcome in kept] == ["deadline"] * 3
    assert "0.5 s" in kept[0].reason


def test_a_reply_without_end_is_cut():
    with EndpointServer(faults=[Fault("bytes", data=b"x" * 9_000_000)]) as server:
        (reply,) = ask(server)
    assert reply.attempts == 2


def test_a_server_that_is_gone_is_given_up_and_the_other_answers_all():
    with EndpointServer() as gone:
        url = gone.url
    with EndpointServer() as server:
        client = ChatClient(parse_endpoint(f"openai:tiny@{url},{server.url}"), QUICK)
        outcomes = client.ask([request(f"q{number}") for number in range(30)])
    assert all(isinstance(outcome, ChatReply) for outcome in outcomes)
    alone = ChatClient(parse_endpoint(f"openai:tiny@{url}"), EndpointSettings(backoff_s=0.01, give_up_s=0.3))
    started = time.monotonic()
    lost = alone.ask([request(f"q{number}") for number in range(500)])
    assert time.monotonic() - started < 10
    assert {outcome.kind for outcome in lost} == {"unreachable"}


def test_a_server_that_is_gone_is_given_up_when_patience_ends():
    with EndpointServer() as gone:
        url = gone.url
    alone = ChatClient(parse_endpoint(f"openai:tiny@{url}"), EndpointSettings(backoff_s=20.0, give_up_s=0.5))
    started = time.monotonic()
    (lost,) = alone.ask([request("a")])
    assert 0.5 <= time.monotonic() - started < 8
    assert lost.kind == "unreachable"


def test_several_servers_share_the_work_and_none_gets_more_than_its_share():
    with EndpointServer(latency_s=0.03) as one, EndpointServer(latency_s=0.03) as two:
        client = ChatClient(parse_endpoint(f"openai:tiny@{one.url},{two.url}"), EndpointSettings(concurrency=4))
        client.ask([request(f"q{number}") for number in range(60)])
    assert len(one.seen) + len(two.seen) == 60
    assert min(len(one.seen), len(two.seen)) > 15
    assert (one.most_at_once, two.most_at_once) == (4, 4)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_every_request_would_meet_ends_the_call_at_once(status):
    with EndpointServer(fault=lambda *_: Fault("status", status)) as server:
        outcomes = ask(server, 200, EndpointSettings(concurrency=2))
        assert len(server.seen) <= 2
    assert {outcome.kind for outcome in outcomes} == {"not found" if status == 404 else "key refused"}


def test_a_request_that_is_refused_is_not_sent_again():
    with EndpointServer(faults=[Fault("status", 400)]) as server:
        (outcome,) = ask(server)
        assert len(server.seen) == 1
    assert outcome == ChatFailure("q0", "bad request", "status 400: told to fail", 1)


def test_a_redirect_is_not_followed():
    with EndpointServer() as other:
        elsewhere = {"location": f"{other.url}/chat/completions"}
        with EndpointServer(fault=lambda *_: Fault("status", 307, headers=elsewhere)) as server:
            (outcome,) = ask(server)
        assert other.seen == []
    assert outcome.kind == "not found"


def test_newer_models_name_for_max_tokens_is_learnt():
    said = {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}
    refuse = lambda _, seen: Fault("status", 400, reply=said) if "max_tokens" in seen.body else None  # noqa: E731
    with EndpointServer(fault=refuse) as server:
        outcomes = ask(server, 5, EndpointSettings(concurrency=1))
    assert all(isinstance(outcome, ChatReply) for outcome in outcomes)
    assert ["max_tokens" in seen.body for seen in server.seen] == [True, *[False] * 5]


@pytest.mark.parametrize("name", ["tiny-2024-08-06", "tiny-0613", "tiny@main", "TINY", "org/tiny:latest", None, 7])
def test_dated_names_of_the_model_are_it(name):
    with EndpointServer(faults=[Fault("reply", reply={"model": name})]) as server:
        (reply,) = ask(server)
    assert (reply.attempts, reply.model) == (1, name if isinstance(name, str) else "")


@pytest.mark.parametrize("name", ["tiny-turbo", "tin", "tiny-2024-08-06-evil text", "other"])
def test_other_names_are_told_and_where_some_are_named_only_those_are_taken(name):
    anything, named = EndpointSettings(backoff_s=0.01), EndpointSettings(backoff_s=0.01, reply_models=(name,))
    with EndpointServer(fault=lambda *_: Fault("reply", reply={"model": name})) as server:
        (refused,), (taken,), (allowed,) = ask(server), ask(server, 1, anything), ask(server, 1, named)
    assert refused.kind == "other model"
    assert (taken.model, taken.changes) == (name, {"model": f"tiny was asked for, {name} replied"})
    assert (allowed.model, allowed.changes) == (name, {})


def test_hostile_values_in_a_reply_are_tamed():
    usage = {"prompt_tokens": 10**400, "completion_tokens": True}
    choice = {"message": {"content": "half \ud800"}, "finish_reason": "length"}
    with EndpointServer(faults=[Fault("reply", reply={"usage": usage, "choices": [choice]})]) as server:
        (reply,) = ask(server)
    assert (reply.prompt_tokens, reply.completion_tokens, reply.text, reply.finished) == (None, None, "half ?", False)


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("ERRATA_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-openai-alone-0123")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    return KEY


def test_the_key_reaches_its_server_and_nothing_else(key, caplog):
    caplog.set_level("DEBUG")
    echo = Fault("status", 400, reply={"message": f"bad key {key}"})
    with EndpointServer(lambda seen: f"Your key is {seen.headers['authorization']}", faults=[echo]) as server:
        endpoint = parse_endpoint(f"openai:tiny@{server.url}")
        outcomes = ChatClient(endpoint, EndpointSettings(concurrency=1)).ask([request("a"), request("b")])
    assert [seen.headers["authorization"] for seen in server.seen] == [f"Bearer {key}"] * 2
    assert outcomes[1].text == "Your key is Bearer [key]"
    assert outcomes[0].reason == "status 400: bad key [key]"
    assert key not in repr(outcomes) + repr(endpoint) + endpoint.name + caplog.text
    assert "org-private" not in str(server.seen)


def test_openai_s_key_is_not_shown_to_other_servers(key, monkeypatch):
    monkeypatch.delenv("ERRATA_API_KEY")
    with EndpointServer() as server:
        ask(server)
        assert "authorization" not in server.seen[0].headers
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        ask(server)
        assert server.seen[1].headers["authorization"] == "Bearer sk-for-openai-alone-0123"
        assert "openai-organization" not in server.seen[0].headers
        assert server.seen[1].headers["openai-organization"] == "org-private"


def test_nothing_but_the_proxy_is_taken_from_the_environment(tmp_path, monkeypatch):
    with EndpointServer() as server:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login somebody password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        ask(server)
        assert "authorization" not in server.seen[0].headers
        monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
        assert find_proxy("http://example.org/v1") == server.url.removesuffix("/v1")
        (refused,) = ChatClient(parse_endpoint("openai:tiny@http://example.org/v1")).ask([request("a")])
        assert "no such route" in refused.reason  # by the server, which was asked as the proxy
        monkeypatch.setenv("NO_PROXY", "example.org")
        assert find_proxy("http://example.org/v1") is None


def test_images_are_sent_in_their_places(tmp_path):
    Image.new("RGB", (4, 4), "red").save(tmp_path / "a.png")
    Image.new("RGB", (4, 4), "blue").save(tmp_path / "b.bmp")
    turns = (Turn("system", "Be short."), Turn("user", "<image>\nFirst? <image> Second?"))
    images = (tmp_path / "a.png", tmp_path / "b.bmp")
    with EndpointServer() as server:
        client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"))
        client.ask([ChatRequest("a", turns, images), ChatRequest("b", (Turn("user", "What?"),), images)])
        bodies = sorted((seen.body["messages"] for seen in server.seen), key=len)
    assert [part["type"] for part in bodies[1][1]["content"]] == ["image_url", "text", "image_url", "text"]
    assert [part["type"] for part in bodies[0][0]["content"]] == ["image_url", "image_url", "text"]
    assert bodies[1][0]["content"] == "Be short."
    sent = bodies[0][0]["content"][0]["image_url"]["url"]
    assert base64.b64decode(sent.removeprefix("data:image/png;base64,")) == images[0].read_bytes()


def test_an_image_that_is_not_there_is_its_request_s_failure(tmp_path):
    with EndpointServer() as server:
        client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"))
        lost = ChatRequest("lost", (Turn("user", "What?"),), (tmp_path / "none.png",))
        failure, reply = client.ask([lost, request("good")])
    assert (failure.kind, failure.attempts) == ("image", 0)
    assert "none.png" in failure.reason
    assert isinstance(reply, ChatReply)


def test_what_is_done_with_a_reply_can_end_the_call():
    def stop(reply):
        raise KeyboardInterrupt

    with EndpointServer(latency_s=0.05) as server:
        client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"), EndpointSettings(concurrency=2))
        with pytest.raises(KeyboardInterrupt):
            client.ask([request(f"q{number}") for number in range(100)], stop)
        assert len(server.seen) < 20
    assert [thread.name for thread in threading.enumerate() if thread.name == "errata-endpoint"] == []


def test_a_call_needs_no_loop_and_minds_none():
    async def inside():
        return ask(server)

    with EndpointServer() as server:
        (reply,) = asyncio.run(inside())
    assert reply.text == "Yes"


def test_an_id_twice_and_no_requests():
    client = ChatClient(parse_endpoint("openai:tiny@http://127.0.0.1:9/v1"))
    assert client.ask([]) == []
    with pytest.raises(DataError, match="ids that occur once"):
        client.ask([request("a"), request("a")])


def test_an_endpoint_is_written_in_three_ways(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("ERRATA_API_KEY", raising=False)
    several = parse_endpoint("openai:org/model:7b@http://a:8000/v1/,https://b/v1")
    assert (several.model, several.urls, several.key_name) == (
        "org/model:7b",
        ("http://a:8000/v1", "https://b/v1"),
        "",
    )
    assert several.name == "openai:org/model:7b@http://a:8000/v1,https://b/v1"
    assert parse_endpoint("openai:gpt-4o").key_name == "OPENAI_API_KEY"


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o",
        "openai:",
        "openai:@http://a/v1",
        "openai:m@http://user:secret@a/v1",
        "openai:m@http://a/v1?key=secret",
        "openai:m@http://a/v1,ftp://b/secret",
        "openai:m@http://a:99999/secret",
        "openai:m@http://a/v1,http://a/v1",
        "openai:m@ftp://secret/v1",
        "openai:m@secret:8000/v1",
        "openai:m@localhost",
    ],
)
def test_a_name_that_is_no_endpoint_is_refused_and_no_secret_repeated(name):
    with pytest.raises(ConfigError) as error:
        parse_endpoint(name)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel"])
def test_a_key_that_is_none_is_named_by_its_variable(monkeypatch, key):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as error:
        ChatClient(parse_endpoint("openai:gpt-4o")).ask([request("a")])
    assert not key.strip() or key not in str(error.value)


@pytest.mark.parametrize("name", ["concurrency", "timeout_s", "deadline_s", "max_attempts", "total_s"])
def test_settings_that_cannot_be_are_named(name):
    with pytest.raises(ConfigError, match=f"endpoint.{name}"):
        EndpointSettings(**{name: 0})


def test_no_half_of_a_key_is_left_where_a_message_is_cut(key):
    said = [{"message": "x" * 190 + key}, {"message": "x" * 195 + key}]
    faults = [*(Fault("status", 400, reply=body) for body in said), Fault("bytes", data=b"x" * 190 + key.encode())]
    with EndpointServer(faults=faults) as server:
        settings = EndpointSettings(concurrency=1, max_attempts=1)
        outcomes = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"), settings).ask([request(n) for n in "abc"])
    assert [outcome.kind for outcome in outcomes] == ["bad request", "bad request", "not JSON"]
    assert not any("sk-" in outcome.reason for outcome in outcomes)


def test_what_is_wrong_with_a_reply_is_said():
    once = replace(QUICK, max_attempts=1)
    expected = {"compressed": "compressed its reply", "no JSON": "<html>busy</html>", "another model": "'cheaper'"}
    for name, words in expected.items():
        with EndpointServer(fault=lambda *_, name=name: FAULTS[name]) as server:
            (outcome,) = ask(server, 1, once)
        assert words in outcome.reason
    with EndpointServer(faults=[Fault("bytes", data=b"x" * 9_000_000)]) as server:
        (outcome,) = ask(server, 1, once)
    assert "more than 8388608 bytes" in outcome.reason


def test_a_call_does_not_wait_for_servers_that_it_gave_up():
    faults = [Fault("status", 500, headers={"retry-after": "100"}), Fault("status", 401)]
    with EndpointServer(faults=faults) as server:
        started = time.monotonic()
        outcomes = ask(server, 2, EndpointSettings(concurrency=1))
    assert time.monotonic() - started < 10
    assert {outcome.kind for outcome in outcomes} == {"key refused"}
