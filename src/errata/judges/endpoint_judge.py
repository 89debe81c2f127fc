"""A model behind an OpenAI-compatible endpoint as a judge."""

from __future__ import annotations

from collections.abc import Sequence

from errata.endpoints import REMEDIES, ChatClient, ChatFailure, ChatReply, ChatRequest, EndpointSettings, parse_endpoint
from errata.errors import ConfigError
from errata.judges.backend import JudgeFailure, JudgeReply, JudgeRequest, OnReply
from errata.records import Turn


class EndpointJudge:
    """`openai:MODEL@URL` as `parse_endpoint` reads it. Verdicts are kept under the model, wherever it is served."""

    free = False

    def __init__(self, name: str, settings: EndpointSettings | None = None) -> None:
        endpoint = parse_endpoint(name)
        self.name, self.model = endpoint.name, f"openai:{endpoint.model}"
        self._client = ChatClient(endpoint, settings)

    def check(self, *, images: bool = False) -> None:  # noqa: ARG002 - what a server shows its model is not known
        """Raise ConfigError where the key is missing, with the way round it."""
        try:
            self._client.check()
        except ConfigError as error:
            raise error.with_fix(f"{error.fix}, or take verdicts from the cache alone with --judge-offline") from None

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Ask all at once, as far as the client's settings allow."""

        def take(reply: ChatReply | ChatFailure) -> None:
            on_reply(convert_reply(reply))

        self._client.ask([_build_chat(request) for request in requests], take)


def _build_chat(request: JudgeRequest) -> ChatRequest:
    return ChatRequest(
        id=request.key,
        turns=(Turn("user", request.text),),
        images=request.call.images,
        max_tokens=request.max_tokens,
        temperature=request.parameters.temperature,
        top_p=request.parameters.top_p,
        seed=request.seed,
        max_pixels=request.parameters.max_pixels,
    )


def convert_reply(reply: ChatReply | ChatFailure) -> JudgeReply | JudgeFailure:
    """An endpoint's reply as a judge's."""
    if isinstance(reply, ChatFailure):
        return JudgeFailure(reply.id, f"{reply.kind}: {reply.reason}", REMEDIES[reply.kind])
    return JudgeReply(
        reply.id,
        reply.text,
        reply.model,
        reply.prompt_tokens,
        reply.completion_tokens,
        reply.seconds,
        reply.finished,
        reply.changes,
    )
