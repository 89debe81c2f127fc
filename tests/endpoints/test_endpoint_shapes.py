"""Replies, errors and addresses in the shapes that servers give them."""

from __future__ import annotations

import json
import time

import pytest

from endpoint_server import EndpointServer, Fault
from errata.endpoints import ChatClient, ChatReply, ChatRequest, EndpointSettings, parse_endpoint
from errata.errors import ConfigError
from errata.records import Turn

QUICK = EndpointSettings(backoff_s=0.01, max_backoff_s=0.05, timeout_s=5.0, give_up_s=5.0, max_attempts=2)


def ask(server, count=1, settings=QUICK, url=None, model="tiny"):
    client = ChatClient(parse_endpoint(f"openai:{model}@{url or server.url}"), settings)
    return client.ask([ChatRequest(f"q{n}", (Turn("user", f"Question {n}?"),), max_tokens=9) for n in range(count)])


def choose(message, reason="stop", **more):
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason, **more}]}


READ = {
    "parts": (choose({"content": [{"type": "text", "text": "Yes"}, {"type": "text", "text": ", it"}]}), "Yes, it"),
    "Mistral's thoughts": (
        choose({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "no"}]},
                            {"type": "text", "text": "Yes"}]}),
        "Yes",
    ),
    "Gemini's thoughts": (choose({"content": [{"text": "no", "thought": True}, {"text": "Yes"}]}), "Yes"),
    "output_text": (choose({"content": [{"type": "output_text", "text": "Yes"}]}), "Yes"),
    "texts": (choose({"content": ["Yes", "."]}), "Yes."),
    "a refusal": (choose({"content": None, "refusal": "I cannot."}), "I cannot."),
    "a refusal beside nothing": (choose({"content": "", "refusal": "I cannot."}), "I cannot."),
    "thoughts beside": (choose({"content": "Yes", "reasoning_content": "no", "reasoning": "no"}), "Yes"),
    "an empty answer": (choose({"content": ""}), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_text_is_read_wherever_it_stands(name):
    reply, text = READ[name]
    with EndpointServer(faults=[Fault("reply", reply=reply)]) as server:
        (outcome,) = ask(server)
    assert (outcome.text, outcome.finished, outcome.attempts) == (text, True, 1)


@pytest.mark.parametrize("where", ["reasoning_content", "reasoning", "thinking"])
@pytest.mark.parametrize("content", [None, "", "\n"])
def test_thoughts_alone_are_no_answer_and_asked_for_again(where, content):
    silent = Fault("reply", reply=choose({"content": content, where: "Yes, I think."}))
    with EndpointServer(faults=[silent]) as server:
        assert ask(server)[0].text == "Yes"
    with EndpointServer(fault=lambda *_: silent) as server:
        outcomes = ask(server, 3)
    assert {outcome.kind for outcome in outcomes} == {"no text"}
    assert where in outcomes[0].reason


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens"])
@pytest.mark.parametrize("content", ["half of", "", None])
def test_a_reply_that_a_limit_ended_is_known_to_be_cut(reason, content):
    cut = Fault("reply", reply=choose({"content": content, "reasoning_content": "hm"}, reason))
    with EndpointServer(faults=[cut]) as server:
        (reply,) = ask(server)
    assert (reply.text, reply.finished, reply.attempts) == (content or "", False, 1)


@pytest.mark.parametrize(("used", "finished"), [(9, False), (8, True), (None, True)])
def test_without_a_reason_the_count_of_tokens_tells_that_a_reply_was_cut(used, finished):
    usage = {} if used is None else {"usage": {"prompt_tokens": 3, "completion_tokens": used}}
    body = {**choose({"content": "one two"}, None), "usage": None, **usage}
    with EndpointServer(faults=[Fault("reply", reply=body)]) as server:
        (reply,) = ask(server)
    assert (reply.finished, reply.completion_tokens) == (finished, used)


def test_a_stream_that_nobody_asked_for_is_put_together():
    chunks = [{"model": "tiny", "choices": [{"delta": {"role": "assistant", "content": text}}]} for text in ("Ye", "s")]
    chunks += [{"choices": [{"delta": {}, "finish_reason": "length"}]}, {"usage": {"prompt_tokens": 5}}]
    stream = ": keep alive\n\n" + "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    with EndpointServer(faults=[Fault("bytes", data=stream.encode())]) as server:
        (reply,) = ask(server)
    assert (reply.text, reply.model, reply.finished, reply.prompt_tokens) == ("Yes", "tiny", False, 5)


def test_an_error_with_status_200_is_one():
    busy = Fault("bytes", data=b'{"error": {"message": "Provider returned error", "code": 502}, "user_id": "u"}')
    with EndpointServer(faults=[busy]) as server:
        assert ask(server)[0].text == "Yes"
    with EndpointServer(fault=lambda *_: busy) as server:
        (failure,) = ask(server)
    assert (failure.kind, failure.reason) == ("server error", "status 502: Provider returned error")


ERRORS = {
    "OpenAI": (404, {"error": {"message": "The model `m` is deprecated", "code": "model_not_found"}}, "not found"),
    "Groq": (400, {"error": {"message": "The model `m` has been decommissioned"}}, "not found"),
    "Gemini's key": (400, [{"error": {"code": 400, "message": "API key not valid. Please pass one."}}], "key refused"),
    "Azure": (
        400,
        {"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
                   "management policy.", "code": "content_filter", "param": "prompt"}},
        "filtered",
    ),
    "OpenRouter": (403, {"error": {"message": "Your input was flagged", "metadata": {"reasons": ["x"]}}}, "filtered"),
    "no credit": (402, {"error": {"message": "Insufficient credits"}}, "quota"),
    "no quota": (429, {"error": {"message": "You exceeded your current quota, please check your plan and billing "
                                 "details.", "code": "insufficient_quota"}}, "quota"),
    "a page": (502, b"<html><head><title>502 Bad Gateway</title></head><h1>nginx</h1></html>", "server error"),
    "text": (400, b"upstream says no", "bad request"),
    "Anthropic": (400, {"type": "error", "error": {"type": "x", "message": "image exceeds 5 MB"}}, "bad request"),
    "a detail": (422, {"detail": "Input should be a valid list"}, "bad request"),
    "an error as text": (500, {"error": "CUDA out of memory"}, "server error"),
}  # fmt: skip
WORDS = ["deprecated", "decommissioned", "API key not valid", "management policy", "flagged", "credits", "billing",
         "502 Bad Gateway nginx", "upstream says no", "5 MB", "valid list", "CUDA"]  # fmt: skip


@pytest.mark.parametrize(("name", "words"), list(zip(ERRORS, WORDS, strict=True)))
def test_what_a_server_says_is_repeated_and_named(name, words):
    status, body, kind = ERRORS[name]
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with EndpointServer(fault=lambda *_: Fault("status", status, data=data)) as server:
        started = time.monotonic()
        outcomes = ask(server, 3)
        assert time.monotonic() - started < 5
    assert {outcome.kind for outcome in outcomes} == {kind}
    assert words in outcomes[0].reason
    assert "<" not in outcomes[0].reason


def test_a_filter_refuses_one_prompt_and_no_other():
    flagged = {"message": "Your input was flagged by moderation"}
    rule = lambda _, seen: Fault("status", 403, reply=flagged) if "Question 1" in seen.text else None  # noqa: E731
    with EndpointServer(fault=rule) as server:
        outcomes = ask(server, 4)
    assert [isinstance(outcome, ChatReply) for outcome in outcomes] == [True, False, True, True]


WAITS = {
    "Gemini": [{"error": {"code": 429, "message": "You exceeded your current quota. Please retry in 0.6s.",
                "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.6s"}]}}],
    "OpenAI": {"error": {"message": "Rate limit reached for tiny. Please try again in 600ms.", "code": "rate_limit"}},
}  # fmt: skip


@pytest.mark.parametrize("name", WAITS)
def test_a_wait_that_stands_in_the_body_is_kept(name):
    with EndpointServer(faults=[Fault("status", 429, data=json.dumps(WAITS[name]).encode())]) as server:
        (reply,) = ask(server)
        waited = server.seen[1].at - server.seen[0].at
    assert isinstance(reply, ChatReply)
    assert 0.3 < waited < 3


def test_a_daily_limit_is_not_waited_for():
    reset = str(int(time.time() * 1000) + 36_000_000)
    said = {"error": {"message": "Rate limit exceeded: free-models-per-day. Add credits to unlock 1000 a day",
                      "code": 429, "metadata": {"headers": {"X-RateLimit-Reset": reset}}}}  # fmt: skip
    with EndpointServer(fault=lambda *_: Fault("status", 429, data=json.dumps(said).encode())) as server:
        started = time.monotonic()
        outcomes = ask(server, 5)
        assert time.monotonic() - started < 5
    assert {outcome.kind for outcome in outcomes} == {"quota"}
    assert "free-models-per-day" in outcomes[0].reason


def test_a_server_that_is_gone_is_reported_with_what_it_said_before():
    with EndpointServer(
        faults=[Fault("status", 500, reply={"message": "CUDA out of memory"})] + [Fault("drop")] * 9
    ) as server:
        (failure,) = ask(server, 1, EndpointSettings(backoff_s=0.01, max_attempts=3))
    assert failure.kind == "cut reply"
    assert "before that it said: status 500: CUDA out of memory" in failure.reason


ADDRESSES = {
    "/v1": "/v1/chat/completions",
    "/v1/": "/v1/chat/completions",
    "": "/v1/chat/completions",
    "/": "/v1/chat/completions",
    "/v1/chat/completions": "/v1/chat/completions",
    "/v1/chat/completions/": "/v1/chat/completions",
    "/api": "/api/v1/chat/completions",
    "/bare": "/bare/chat/completions",
    "/openai/v1": "/openai/v1/chat/completions",
    "/v1beta/openai/": "/v1beta/openai/chat/completions",
}


@pytest.mark.parametrize("written", ADDRESSES)
def test_an_address_may_lack_its_version_or_hold_too_much(written):
    with EndpointServer(routes=(ADDRESSES[written],)) as server:
        root = server.url.removesuffix("/v1")
        replies = ask(server, 3, url=root + written)
        assert [reply.text for reply in replies] == ["Yes"] * 3
        assert {seen.path for seen in server.seen} == {ADDRESSES[written]}


def test_a_server_without_a_version_is_found():
    with EndpointServer(routes=("/chat/completions",)) as server:
        assert ask(server, url=server.url.removesuffix("/v1"))[0].text == "Yes"


def test_a_model_that_is_not_there_is_named_at_an_address_without_its_version_too():
    gone = Fault("status", 404, reply={"message": "The model `tiny` does not exist"})
    with EndpointServer(fault=lambda *_: gone) as server:
        outcomes = ask(server, 3, url=server.url.removesuffix("/v1"))
    assert all("does not exist" in outcome.reason for outcome in outcomes)


@pytest.mark.parametrize(
    ("asked", "replied", "same"),
    [
        ("openai/gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4o", "openai/gpt-4o", True),
        ("mistral-large-latest", "mistral-large-2411", True),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", True),
        ("gemini-1.5-pro", "models/gemini-1.5-pro-002", True),
        ("llama3.2", "llama3.2:latest", True),
        ("meta-llama/llama-3:free", "meta-llama/llama-3", True),
        ("Qwen/Qwen2-VL", "qwen/qwen2-vl", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o", "gpt-4o-mini-2024-07-18", False),
        ("openai/gpt-4o", "azure/gpt-4", False),
        ("my-judge", "gemma-3-27b-it-qat", False),
    ],
)
def test_names_of_the_same_model_are_no_news(asked, replied, same):
    with EndpointServer(fault=lambda *_: Fault("reply", reply={"model": replied})) as server:
        (reply,) = ask(server, model=asked)
    assert ("model" not in reply.changes, reply.model) == (same, replied)


def test_an_address_with_a_query_is_refused_still():
    with pytest.raises(ConfigError):
        parse_endpoint("openai:m@http://a/chat/completions?api-key=x")
