"""Bytes that a server sent to a reply. Whatever they are, they are read or refused by name, and never trusted."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from errata.endpoints.request import EndpointSettings, FailureKind

MAX_TOKEN_COUNT = 10**9
REDACTED = "[key]"
MIN_KEY_LENGTH = 8
"""A shorter text is no key that has to be hidden, and hiding it would tear words apart."""
DATED = re.compile(
    r"(-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{6}|-\d{3,4}|-\d{2}-\d{2})?(-preview)?(-v\d+)?(:\d+|:latest|:free)?(@[\w.-]+)?",
    re.ASCII,
)
"""What may follow the asked name: a provider's date or version, or the revision that `transformers serve` adds."""
_LATEST = re.compile(r"([:-]latest|:free)$")
CUT = (
    "length",
    "max_tokens",
    "max_output_tokens",
    "model_length",
    "token_limit",
    "max_length",
    "max_completion_tokens",
)
"""How servers call the end of a reply that a limit of tokens brought."""
_FILTERED = ("content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thoughts", "reasoning_details")
_NO_TEXT = ("thinking", "reasoning", "redacted_thinking", "thought", "summary_text", "tool_use", "refusal")


class FailedAttemptError(Exception):
    """One attempt that brought no reply.

    Args:
        kind: Decides what happens next.
        reason: For the user.
        wait_s: What the server asked to wait.
    """

    def __init__(self, kind: FailureKind, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.wait_s = kind, reason, wait_s


@dataclass(frozen=True, slots=True)
class ReplyBody:
    """The parts of a reply's body that are used; `other_model` where its name is not the asked one or a form of it."""

    text: str
    model: str
    finished: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    first_tokens: tuple[tuple[str, float], ...] = ()
    other_model: bool = False


def read_reply(data: bytes, asked: str, settings: EndpointSettings, limit: int | None = None) -> ReplyBody:
    """Take a reply's body apart.

    Args:
        data: The body; a stream of events is put together, as some gateways send one unasked.
        asked: The name of the model.
        settings: Which other names are taken.
        limit: The tokens that were asked for at most, by which the end of a reply is known that gives no reason for it.

    Raises:
        FailedAttemptError: It is not the protocol's, of a model that is not taken, or without a text.
    """
    body = _parse(data)
    model = body.get("model")
    model = whole(model)[:200] if isinstance(model, str) else ""
    other = bool(model) and not is_asked(model, asked) and model not in settings.reply_models
    if other and settings.reply_models:
        raise FailedAttemptError("other model", f"the reply is of the model {model[:80]!r}, not of {asked!r}")
    choice = _find_choice(body)
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    sent, received = (
        next((count for name in names if (count := _count(usage.get(name))) is not None), None)
        for names in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
    )
    cut = _is_cut(choice, limit, received)
    text = _find_text(choice, cut=cut)
    return ReplyBody(text, model, not cut, sent, received, _find_first_tokens(choice.get("logprobs")), other)


def hide(text: str, key: str) -> str:
    """The text without the key, which a server may repeat in an error or in an answer: it must not get into a file."""
    return text.replace(key, REDACTED) if len(key) >= MIN_KEY_LENGTH else text


def excerpt(text: str) -> str:
    """The beginning of what a server said, in one printable line."""
    line = " ".join(whole(text[:1000]).split())
    return "".join(character for character in line if character.isprintable())[:200]


def whole(text: str) -> str:
    """The text without halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _parse(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
        body = _join_events(text) if text.lstrip().startswith(("data:", "event:", ":")) else json.loads(text)
    except (ValueError, RecursionError):
        raise FailedAttemptError(
            "not JSON", f"the reply is not JSON: {excerpt(data[:1000].decode(errors='replace'))!r}"
        ) from None
    if not isinstance(body, dict):
        raise FailedAttemptError("not JSON", f"the reply is JSON of another kind, {type(body).__name__}")
    return body


def _join_events(text: str) -> dict[str, Any]:
    """The reply that a stream of events makes. Raises ValueError where an event is none."""
    events = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    chunks = [chunk for event in events if event not in ("", "[DONE]") if isinstance(chunk := json.loads(event), dict)]
    body: dict[str, Any] = {}
    message: dict[str, Any] = {}
    reason = None
    for chunk in chunks:
        body |= {name: value for name, value in chunk.items() if value is not None}
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        reason = choice.get("finish_reason") or reason
        parts = choice.get("delta", choice.get("message"))
        for name, value in (parts if isinstance(parts, dict) else {}).items():
            if isinstance(value, str) and name != "role":
                message[name] = message.get(name, "") + value
    return body | ({"choices": [{"message": message, "finish_reason": reason}]} if chunks else {})


def is_asked(model: str, asked: str) -> bool:
    """Whether a reply's model is the asked one: the same, dated or versioned, with or without its provider's name."""
    asked, model = (_LATEST.sub("", name.casefold()) for name in (asked, model))
    starts = {asked, asked.rpartition("/")[2]}
    ends = (model, model.rpartition("/")[2])
    return any(end.startswith(start) and DATED.fullmatch(end[len(start) :]) for end in ends for start in starts)


def _find_choice(body: dict[str, Any]) -> dict[str, Any]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        blocked = body.get("promptFeedback", body.get("prompt_feedback"))
        if isinstance(blocked, dict):
            raise FailedAttemptError(
                "filtered", f"the server's content filter refused the prompt: {excerpt(str(blocked))}"
            )
        raise FailedAttemptError("no choices", "the reply has no choices")
    if len(choices) > 1:
        raise FailedAttemptError("several choices", f"the reply has {len(choices)} choices; one was asked for")
    choice: dict[str, Any] = choices[0]
    error = choice.get("error")
    if isinstance(error, dict):  # a provider behind a gateway broke off
        raise FailedAttemptError("server error", f"the reply broke off: {excerpt(str(error.get('message', error)))}")
    return choice


def _is_cut(choice: dict[str, Any], limit: int | None, received: int | None) -> bool:
    reason = choice.get("finish_reason", choice.get("stop_reason"))
    if isinstance(reason, str) and reason:
        return reason.casefold() in CUT or choice.get("truncated") is True
    return limit is not None and received is not None and received >= limit


def _find_text(choice: dict[str, Any], *, cut: bool) -> str:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content, refusal = message.get("content"), message.get("refusal")
    if str(choice.get("finish_reason")).casefold() in _FILTERED:
        raise FailedAttemptError("filtered", "the server's content filter withheld the reply")
    text = _join_parts(content) if isinstance(content, list) else content
    thoughts = next((name for name in _THOUGHTS if message.get(name)), None)
    if thoughts is None and isinstance(content, list) and content:
        thoughts = "parts that hold no answer"
    if isinstance(text, str) and (text.strip() or cut or (thoughts is None and not isinstance(refusal, str))):
        return whole(text)
    if isinstance(refusal, str) and refusal:
        return whole(refusal)
    if text is None and cut:  # all tokens went into reasoning
        return ""
    if thoughts is not None:
        raise FailedAttemptError("no text", f"the reply has no text: all of it is in {thoughts}")
    raise FailedAttemptError("no text", "the reply's first choice has no text")


def _join_parts(parts: list[Any]) -> str | None:
    """The text of content in parts, without those that hold thoughts; None where a part is of no known kind."""
    texts = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(part, dict) and (part.get("type") in _NO_TEXT or part.get("thought") is True):
            continue
        if not isinstance(text, str):
            return None
        texts.append(text)
    return "".join(texts)


def _find_first_tokens(logprobs: Any) -> tuple[tuple[str, float], ...]:
    """The candidates for the first token that is not blank, each once; nothing of what is not the protocol's."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    places = [place for place in content if isinstance(place, dict)] if isinstance(content, list) else []
    first = next((place for place in places if str(place.get("token", "")).strip()), None)
    if first is None:
        return ()
    others = first.get("top_logprobs")
    rows = [first, *(others if isinstance(others, list) else [])]
    pairs = [(row.get("token"), _read_logp(row.get("logprob"))) for row in rows if isinstance(row, dict)]
    return tuple({whole(token): logp for token, logp in pairs if isinstance(token, str) and logp is not None}.items())


def _read_logp(value: object) -> float | None:
    """A log-probability, rounding above 0 allowed; NaN is none."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and value <= 1e-3
    return float(value) if good and isinstance(value, (int, float)) else None


def _count(value: object) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKEN_COUNT
    return value if good and isinstance(value, int) else None
