"""A model behind an endpoint as a labeller: probabilities where its server gives them, words where it does not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from errata.feedback.claim_labels import OnReply, sum_forms, write_label
from errata.generation import ChatClient, ChatFailure, ChatReply, ChatRequest, EndpointSettings, parse_endpoint
from errata.judges import JudgeFailure, JudgeReply, JudgeRequest, convert_reply
from errata.records import Turn
from errata.text import split_reasoning

TOP = 20
"""Candidates asked for; OpenAI's protocol allows no more."""
_VERDICT_FIRST = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)
ASKED_FOR: Mapping[str, object] = {"logprobs": True, "top_logprobs": TOP}


class EndpointLabeller:
    """`openai:MODEL@URL`, asked for the log-probabilities of its first token.

    A server that refuses to give them, which one question finds out, is asked for words alone.
    """

    free = False

    def __init__(self, name: str, settings: EndpointSettings | None = None) -> None:
        endpoint = parse_endpoint(name)
        self.name, self.model = endpoint.name, f"openai:{endpoint.model}"
        self._client = ChatClient(endpoint, settings)
        self._extra: Mapping[str, object] | None = None

    def check(self, *, images: bool = True) -> None:  # noqa: ARG002 - what a server shows its model is not known
        """Raise ConfigError where the key is missing."""
        self._client.check()

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Ask one where it is not known yet what the server gives, then all others at once."""
        waiting = list(requests)
        if self._extra is None and waiting:
            self._find_out(waiting.pop(0), on_reply)
        self._send(waiting, ASKED_FOR if self._extra is None else self._extra, on_reply)

    def _find_out(self, request: JudgeRequest, on_reply: OnReply) -> None:
        """Whether the server takes a request for log-probabilities; a failure of another kind does not tell."""
        (reply,) = self._client.ask([_build_chat(request, ASKED_FOR)])
        if isinstance(reply, ChatFailure) and reply.kind == "bad request":
            (without,) = self._client.ask([_build_chat(request, {})])
            if isinstance(without, ChatReply):
                self._extra, reply = {}, without
        elif isinstance(reply, ChatReply):
            self._extra = ASKED_FOR
        on_reply(_convert(reply))

    def _send(self, requests: Sequence[JudgeRequest], extra: Mapping[str, object], on_reply: OnReply) -> None:
        def take(reply: ChatReply | ChatFailure) -> None:
            on_reply(_convert(reply))

        if requests:
            self._client.ask([_build_chat(request, extra) for request in requests], take)


def _build_chat(request: JudgeRequest, extra: Mapping[str, object]) -> ChatRequest:
    return ChatRequest(
        id=request.key,
        turns=(Turn("user", request.text),),
        images=request.call.images,
        max_tokens=request.max_tokens,
        temperature=request.parameters.temperature,
        seed=request.seed,
        max_pixels=request.parameters.max_pixels,
        extra=extra,
    )


def _begins_with_token(reply: ChatReply) -> bool:
    """Whether the first token is the beginning of the answer; of a model that thinks first it is that of a thought."""
    token = next((token.strip() for token, _ in reply.first_tokens), "")
    return bool(token) and split_reasoning(reply.text).answer.lstrip().startswith(token)


def _convert(reply: ChatReply | ChatFailure) -> JudgeReply | JudgeFailure:
    judged = convert_reply(reply)
    if isinstance(judged, JudgeFailure):
        return judged
    found = sum_forms(reply.first_tokens) if isinstance(reply, ChatReply) and _begins_with_token(reply) else None
    if found is not None:
        return replace(judged, text=write_label(found), finished=True)
    # The first word is the verdict: what the limit cut off behind it does not matter.
    return replace(judged, finished=judged.finished or bool(_VERDICT_FIRST.match(judged.text)))
