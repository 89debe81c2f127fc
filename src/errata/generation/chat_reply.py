"""Bytes that a server sent to a reply. Whatever they are, they are read or refused by name, and never trusted."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from errata.generation.chat import EndpointSettings, FailureKind

MAX_TOKEN_COUNT = 10**9
REDACTED = "[key]"
MIN_KEY_LENGTH = 8
"""A shorter text is no key that has to be hidden, and hiding it would tear words apart."""
DATED = re.compile(r"(-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{4})?(-preview)?(@[\w.-]+)?", re.ASCII)
"""What may follow the asked name: a provider's date, or the revision that `transformers serve` adds."""


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
    """The parts of a reply's body that are used."""

    text: str
    model: str
    finished: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    first_tokens: tuple[tuple[str, float], ...] = ()


def read_reply(data: bytes, asked: str, settings: EndpointSettings) -> ReplyBody:
    """Take a reply's body apart. Raises FailedAttemptError on one that is not the protocol's or of another model."""
    body = _parse(data)
    model = body.get("model")
    model = whole(model)[:200] if isinstance(model, str) else ""
    if model and not _is_asked(model, asked, settings.reply_models):
        raise FailedAttemptError("other model", f"the reply is of the model {model[:80]!r}, not of {asked!r}")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise FailedAttemptError("no choices", "the reply has no choices")
    if len(choices) > 1:
        raise FailedAttemptError("several choices", f"the reply has {len(choices)} choices; one was asked for")
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    cut = choices[0].get("finish_reason") == "length"
    sent, received = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    text = _find_text(choices[0], cut=cut)
    return ReplyBody(text, model, not cut, sent, received, _find_first_tokens(choices[0].get("logprobs")))


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
        body = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise FailedAttemptError(
            "not JSON", f"the reply is not JSON: {excerpt(data[:1000].decode(errors='replace'))!r}"
        ) from None
    if not isinstance(body, dict):
        raise FailedAttemptError("not JSON", f"the reply is JSON of another kind, {type(body).__name__}")
    return body


def _is_asked(model: str, asked: str, others: tuple[str, ...]) -> bool:
    if model in others:
        return True
    same = model.casefold().startswith(asked.casefold())
    return same and DATED.fullmatch(model[len(asked) :]) is not None


def _find_text(choice: dict[str, Any], *, cut: bool) -> str:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content, refusal = message.get("content"), message.get("refusal")
    if choice.get("finish_reason") == "content_filter":
        raise FailedAttemptError("filtered", "the server's content filter withheld the reply")
    if isinstance(content, str):
        return whole(content)
    if isinstance(refusal, str):
        return whole(refusal)
    if content is None and cut:  # all tokens went into reasoning
        return ""
    raise FailedAttemptError("no choices", "the reply's first choice has no text")


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
