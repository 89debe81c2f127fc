"""Parameters that servers refuse, in the words of many providers: every request is sent again in a form they take."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from endpoint_server import EndpointServer, Fault
from errata.endpoints import ChatClient, ChatFailure, ChatReply, ChatRequest, EndpointSettings, parse_endpoint
from errata.errors import ConfigError
from errata.records import Turn

QUICK = EndpointSettings(backoff_s=0.01, max_backoff_s=0.05, timeout_s=5.0, give_up_s=5.0)
FULL = ChatRequest(
    "q",
    (Turn("user", "Is there a dog?"),),
    max_tokens=1024,
    temperature=0.0,
    top_p=0.9,
    seed=7,
    extra={"logprobs": True, "top_logprobs": 20, "n": 1, "response_format": {"type": "text"}},
)


def ask(server, count=1, request=FULL, settings=QUICK):
    client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"), settings)
    return client.ask([replace(request, id=f"q{number}") for number in range(count)])


def openai(message, param=None, code="unsupported_parameter"):
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def refuse(status, body, refused):
    """A server that answers so whenever `refused` says so of a request's body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _, seen: Fault("status", status, data=data) if refused(seen.body) else None


USE = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
DEFAULT_ONLY = (
    "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is supported."
)
REFUSALS = {
    # provider: status, body, the parameter, what of it the server takes (nothing for None), what is told
    "OpenAI, limit": (400, openai(USE, "max_tokens"), "max_tokens", None, "sent as max_completion_tokens"),
    "OpenAI, temperature": (
        400,
        openai(DEFAULT_ONLY, "temperature", "unsupported_value"),
        "temperature",
        1,
        "0.0 refused: the server's own (1)",
    ),
    "OpenAI, parameter": (
        400,
        openai("Unsupported parameter: 'temperature' is not supported with this model.", "temperature"),
        "temperature",
        None,
        "0.0 left out: the server does not take it",
    ),
    "OpenAI, logprobs": (
        403,
        openai("You are not allowed to request logprobs from this model", "logprobs", None),
        "logprobs",
        None,
        "left out",
    ),
    "Azure": (
        400,
        openai("Unsupported parameter: 'top_p' is not supported with this model.", "top_p"),
        "top_p",
        None,
        "0.9 left out",
    ),
    "vLLM, 400": (
        400,
        {"object": "error", "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are "
         "not permitted', 'input': 7}]", "type": "BadRequestError", "param": None, "code": 400},
        "seed",
        None,
        "7 left out",
    ),
    "pydantic, 422": (
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
        "seed",
        None,
        "7 left out",
    ),
    "Mistral": (
        422,
        {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "logprobs"],
         "msg": "Extra inputs are not permitted", "input": True}]}, "type": "invalid_request_error"},
        "logprobs",
        None,
        "left out",
    ),
    "LiteLLM": (
        400,
        {"error": {"message": "litellm.UnsupportedParamsError: vertex_ai does not support parameters: ['seed'], for "
         "model=claude. To drop these, set `litellm.drop_params=True`", "type": "None", "param": None, "code": "400"}},
        "seed",
        None,
        "7 left out",
    ),
    "LiteLLM, value": (
        400,
        {"error": {"message": "litellm.UnsupportedParamsError: gpt-5 models don't support temperature=0.0. Only "
         "temperature=1 is supported.", "code": "400"}},
        "temperature",
        1,
        "0.0 refused: the server's own (1)",
    ),
    "LiteLLM, 500": (
        500,
        {"error": {"message": "litellm.APIError: UnsupportedParamsError: o3 does not support parameters: "
         "['temperature']"}},
        "temperature",
        None,
        "left out",
    ),
    "Anthropic": (
        400,
        {"type": "error", "error": {"type": "invalid", "message": "seed: Extra inputs are not permitted"}},
        "seed",
        None,
        "7 left out",
    ),
    "Anthropic, both": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "`temperature` and `top_p` cannot both "
         "be specified for this model. Please use only one."}},
        "top_p",
        None,
        "0.9 left out",
    ),
    "Anthropic, deprecated": (
        400,
        {"type": "error", "error": {"message": "`temperature` is deprecated for this model."}},
        "temperature",
        None,
        "left out",
    ),
    "Gemini": (
        400,
        [{"error": {"code": 400, "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
         "status": "INVALID_ARGUMENT"}}],
        "seed",
        None,
        "7 left out",
    ),
    "Gemini, camel case": (
        400,
        [{"error": {"code": 400, "message": "Unknown name \"topP\" at 'generation_config': Cannot find field."}}],
        "top_p",
        None,
        "0.9 left out",
    ),
    "Groq": (400, openai("`logprobs` is not supported with this model", None, None), "logprobs", None, "left out"),
    "xAI": (400, {"code": "Client specified an invalid argument", "error": "Argument not supported on this model: "
     "responseFormat"}, "response_format", None, "left out"),
    "OpenRouter": (
        400,
        {"error": {"message": "Provider returned error", "code": 400, "metadata": {"provider_name": "X",
         "raw": '{"error": {"message": "Unsupported parameter: \'seed\'", "param": "seed"}}'}}},
        "seed",
        None,
        "7 left out",
    ),
    "Moonshot": (
        400,
        {"error": {"message": "invalid temperature: only 1 is allowed for this model", "type": "invalid"}},
        "temperature",
        1,
        "0.0 refused: the server's own (1)",
    ),
    "TGI": (
        422,
        {"error": "Input validation error: `temperature` must be strictly positive", "error_type": "validation"},
        "temperature",
        0.01,
        "0.0 refused: 0.01 sent",
    ),
    "one letter": (400, openai("Unsupported parameter: 'n'", None, None), "n", None, "1 left out"),
    "plain text": (400, b"top_p is not supported by this model", "top_p", None, "0.9 left out"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_parameter_that_a_server_refuses_costs_no_request(name):
    status, body, parameter, taken, told = REFUSALS[name]
    rule = refuse(status, body, lambda sent: parameter in sent and sent[parameter] != taken)
    with EndpointServer(fault=rule, latency_s=0.05) as server:
        replies = ask(server, 40)
        assert all(isinstance(reply, ChatReply) for reply in replies), replies[0]
        refused = sum(parameter in seen.body and seen.body[parameter] != taken for seen in server.seen)
    assert refused <= QUICK.concurrency  # those that were under way when it was learnt
    assert {reply.attempts for reply in replies} == {1}
    assert all(told in reply.changes[parameter] for reply in replies)


def test_several_refusals_are_learnt_one_after_another_and_remembered_by_the_client():
    def rule(_, seen):
        for name, good in (("max_tokens", None), ("temperature", 1), ("top_p", None), ("seed", None)):
            if seen.body.get(name, good) != good:
                said = openai(f"Unsupported parameter: '{name}' is not supported with this model.", name)
                return Fault("status", 400, data=json.dumps(said).encode())
        return None

    with EndpointServer(fault=rule, latency_s=0.02) as server:
        client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"), QUICK)
        assert all(isinstance(reply, ChatReply) for reply in client.ask([replace(FULL, id=f"q{n}") for n in range(20)]))
        before = len(server.seen)
        (reply,) = client.ask([FULL])
        assert len(server.seen) == before + 1
        assert server.seen[-1].body["max_completion_tokens"] == 1024
    assert set(reply.changes) == {"max_tokens", "temperature", "top_p", "seed"}


def test_a_value_that_is_refused_does_not_cost_another_value():
    said = openai("Unsupported value: 'temperature' does not support 0.0.", "temperature", "unsupported_value")
    with EndpointServer(fault=refuse(400, said, lambda sent: sent.get("temperature") == 0)) as server:
        client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"), QUICK)
        cold, warm = client.ask([FULL])[0], client.ask([replace(FULL, temperature=0.7)])[0]
        assert server.seen[-1].body["temperature"] == 0.7
    assert ("temperature" in cold.changes, warm.changes) == (True, {})


LIMITS = {
    "OpenAI": "max_tokens is too large: 1024. This model supports at most 500 completion tokens, whereas you provided "
    "1024.",
    "Anthropic": "max_tokens: 1024 > 500, which is the maximum allowed number of output tokens for claude",
    "DashScope": "Range of max_tokens should be [1, 500]",
    "DeepSeek": "Invalid max_tokens value, the valid range of max_tokens is [1, 500]",
    "Groq": "`max_tokens` must be less than or equal to `500`, the maximum value for `max_tokens` is less than the "
    "`context_window` for this model",
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_above_the_server_s_own_is_lowered_and_told(name):
    rule = refuse(400, openai(LIMITS[name], "max_tokens", "invalid_value"), lambda sent: sent["max_tokens"] > 500)
    with EndpointServer(fault=rule) as server:
        (reply,) = ask(server)
    assert reply.changes == {"max_tokens": "1024 lowered to 500"}


CONTEXTS = {
    "vLLM": "This model's maximum context length is 2048 tokens. However, you requested 2624 tokens (1600 in the "
    "messages, 1024 in the completion). Please reduce the length of the messages or completion.",
    "vLLM, newer": "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context length is "
    "2048 tokens and your request has 1600 input tokens (1024 > 2048 - 1600).",
    "vLLM, newest": "This model's maximum context length is 2048 tokens. However, you requested 1024 output tokens and "
    "your prompt contains at least 1600 input tokens, for a total of at least 2624 tokens.",
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_a_reply_gets_what_the_prompt_leaves_of_the_context(name):
    said = {"object": "error", "message": CONTEXTS[name], "type": "BadRequestError", "code": 400}
    with EndpointServer(fault=refuse(400, said, lambda sent: sent["max_tokens"] > 448)) as server:
        client = ChatClient(parse_endpoint(f"openai:tiny@{server.url}"), QUICK)
        (reply,) = client.ask([FULL])
        client.ask([replace(FULL, max_tokens=448)])
        assert [seen.body["max_tokens"] for seen in server.seen] == [1024, 448, 448]
    assert reply.changes == {"max_tokens": "1024 lowered to 448, what the prompt leaves of the context"}


def test_a_prompt_that_fills_the_context_is_refused_with_the_server_s_words():
    said = {"message": CONTEXTS["vLLM"].replace("1600", "2100")}
    with EndpointServer(fault=refuse(400, said, lambda sent: True)) as server:
        (failure,) = ask(server)
        assert len(server.seen) == 1
    assert (failure.kind, "2100 in the messages" in failure.reason) == ("bad request", True)


def test_a_refusal_that_names_no_parameter_is_the_request_s_failure():
    for message in ("The image is too small", "Invalid value for 'content': expected a string", "seed"):
        with EndpointServer(fault=refuse(400, openai(message, "messages", None), lambda sent: True)) as server:
            (failure,) = ask(server)
            assert len(server.seen) == 1
        assert isinstance(failure, ChatFailure)
        assert message in failure.reason


def test_a_server_that_refuses_everything_by_name_ends():
    with EndpointServer(
        fault=lambda _, seen: Fault("status", 400, reply={"message": f"unsupported: {list(seen.body)}"})
    ) as server:
        (failure,) = ask(server)
        assert len(server.seen) <= 12
    assert failure.kind == "bad request"


@pytest.mark.parametrize("end", ["", "/chat/completions", "/"])
def test_a_deployment_of_azure_is_asked_under_its_version_with_its_own_header(monkeypatch, end):
    monkeypatch.setenv("ERRATA_API_KEY", "a-key-of-azure")
    route = "/openai/deployments/gpt4/chat/completions?api-version=2024-06-01"
    with EndpointServer(routes=(route,)) as server:
        address = f"{server.url.removesuffix('/v1')}/openai/deployments/gpt4{end}?api-version=2024-06-01"
        (reply,) = ChatClient(parse_endpoint(f"openai:gpt4@{address}"), QUICK).ask([FULL])
    assert reply.text == "Yes"
    assert server.seen[0].headers["api-key"] == "a-key-of-azure"
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("query", ["key=secret", "api-version=1&key=secret", "api-version=", "api-version=1?x=2"])
def test_no_other_query_is_taken_or_repeated(query):
    with pytest.raises(ConfigError, match=r"\?api-version=…") as caught:
        parse_endpoint(f"openai:gpt4@http://localhost/v1?{query}")
    assert "secret" not in str(caught.value)
