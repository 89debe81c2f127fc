"""The client of endpoints against a real server that misbehaves: every fault ends in a reply or in a named failure."""

from __future__ import annotations

import pytest

from endpoint_server import EndpointServer, Fault
from errata.generation import ChatClient, ChatFailure, ChatReply, ChatRequest, EndpointSettings, parse_endpoint
from errata.records import Turn

KEY = "sk-very-secret-0123456789"
QUICK = EndpointSettings(backoff_s=0.01, max_backoff_s=0.05, timeout_s=2.0, give_up_s=5.0, deadline_s=10.0)


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
    "text as a list": Fault("reply", reply={"choices": [{"message": {"content": ["Yes"]}}]}),
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
    "no text": "no choices",
    "another model": "other model",
}


@pytest.mark.parametrize("name", KINDS)
def test_a_fault_that_stays_is_a_named_failure_of_its_request_alone(name):
    with EndpointServer(fault=lambda _, seen: FAULTS[name] if "Question 1?" in seen.text else None) as server:
        outcomes = ask(server, 4)
    assert [isinstance(outcome, ChatReply) for outcome in outcomes] == [True, False, True, True]
    assert (outcomes[1].kind, outcomes[1].attempts) == (KINDS[name], QUICK.max_attempts)
