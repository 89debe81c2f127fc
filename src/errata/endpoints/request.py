"""What is asked of an endpoint and what comes back: a reply, or a failure that has a name.

A request as the JSON body of the chat protocol: turns as messages, image files as data URLs.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from errata.errors import ConfigError, StorageError
from errata.images import encode_png, fit_pixels, show_file
from errata.records import IMAGE_PLACEHOLDER, Turn

FailureKind = Literal[
    "bad request",
    "cut reply",
    "deadline",
    "filtered",
    "image",
    "key refused",
    "no choices",
    "no text",
    "not found",
    "not JSON",
    "other model",
    "question",
    "quota",
    "rate limit",
    "server error",
    "several choices",
    "time-out",
    "unreachable",
]
AGAIN = "the same command asks for them again"
_IN_VAIN = "asking again would bring the same"
REMEDIES: Mapping[FailureKind, str] = {
    "bad request": _IN_VAIN,
    "cut reply": AGAIN,
    "deadline": AGAIN,
    "filtered": f"{_IN_VAIN}; another model or server may take these",
    "image": "mend or replace the image",
    "key refused": "set a key that the server takes, then the same command asks for them",
    "no choices": AGAIN,
    "no text": "at temperature 0 asking again would most likely bring the same",
    "not found": "name a model and an address that exist: asking again would bring the same",
    "not JSON": AGAIN,
    "other model": "name the model to allow it, with --reply-model or for a judge --judge-reply-model",
    "question": "",
    "quota": "once the account has quota again, the same command asks for them",
    "rate limit": AGAIN,
    "server error": AGAIN,
    "several choices": _IN_VAIN,
    "time-out": f"{AGAIN}; more time with --timeout-s or for a judge --judge-timeout-s",
    "unreachable": AGAIN,
}
"""What to do about requests that failed for good."""


def find_remedy(reason: str) -> str:
    """What to do about a failure told as `KIND: REASON`; empty of a reason of another form."""
    return next((remedy for kind, remedy in REMEDIES.items() if reason.startswith(f"{kind}: ")), "")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One conversation to be continued.

    Attributes:
        id: Occurs once among the requests of a call.
        turns: The conversation, ending with a user turn; `<image>` in a user turn marks where an image stands, and
            without any the images come first, in the first user turn.
        images: Their files, in order.
        max_tokens: At most this many new tokens; None leaves it to the server.
        temperature, top_p: None leaves them to the server.
        seed: For servers that sample reproducibly.
        max_pixels, min_pixels: Pictures of more or fewer are sent smaller or larger, in their own proportions.
        extra: Further fields of the request's body, such as vLLM's `repetition_penalty`.
    """

    id: str
    turns: tuple[Turn, ...]
    images: tuple[Path, ...] = ()
    max_tokens: int | None = 512
    temperature: float | None = 0.0
    top_p: float | None = None
    seed: int | None = None
    max_pixels: int | None = None
    min_pixels: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What a model said to the request of the same `id`.

    Attributes:
        model: The name that the server gave the model; empty where it gave none.
        finished: False when `max_tokens` cut the text off.
        prompt_tokens, completion_tokens: As the server counted them; None where it did not.
        seconds: From sending to the last byte, of the attempt that succeeded.
        attempts: How often it was sent.
        changes: What of the request the server did not take as it was asked, in words by parameter, such as a
            temperature that it refuses; under `model`, that another name replied.
        first_tokens: The likeliest first tokens and their log-probabilities, blank ones passed over; empty where the
            request's `extra` did not ask for them (`logprobs`, `top_logprobs`) or the server gave none.
    """

    id: str
    text: str
    model: str
    finished: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    attempts: int = 1
    first_tokens: tuple[tuple[str, float], ...] = ()
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatFailure:
    """A request that got no usable reply. `reason` says what the last attempt ended with; it never holds a key."""

    id: str
    kind: FailureKind
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How hard servers are asked, and when they are given up.

    Args:
        concurrency: Requests at a time to each server.
        timeout_s: Of one attempt, whole: a server that drips bytes does not prolong it.
        deadline_s: Of one request with all its attempts and waits.
        total_s: Of a whole call; None sets no limit.
        max_attempts: Times a request is sent that a server answers with an error of its own or with nonsense. Waits
            that the server asked for, and servers that cannot be reached, do not count; `give_up_s` and
            `deadline_s` end those.
        give_up_s: A server that failed for this long without one success is not asked again in this call.
        backoff_s: The first wait after a failure; each further one is twice as long, up to `max_backoff_s`, times a
            random number between 0.5 and 1. A longer Retry-After is honoured.
        reply_models: Where any are named, replies of others than these, the asked name and its dated forms are refused.
            Without any, every name is taken and reported.
    """

    concurrency: int = 16
    timeout_s: float = 120.0
    deadline_s: float = 600.0
    total_s: float | None = None
    max_attempts: int = 4
    give_up_s: float = 60.0
    backoff_s: float = 0.5
    max_backoff_s: float = 30.0
    reply_models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("concurrency", "max_attempts"):
            _check(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        for name in ("timeout_s", "deadline_s", "give_up_s", "backoff_s", "max_backoff_s"):
            _check(name, getattr(self, name), 0 < getattr(self, name) < 1e7, "above 0 and below 1e7")
        _check("total_s", self.total_s, self.total_s is None or 0 < self.total_s < 1e7, "above 0, or null")


def _check(name: str, value: object, good: bool, rule: str) -> None:
    if not good:
        raise ConfigError(f"endpoint.{name}", expected=rule, found=repr(value), fix="change the setting")


SENT_AS_THEY_ARE = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
"""How files begin that every server opens; others are sent as PNG."""
IMAGES_KEPT = 32


def encode_request(model: str, request: ChatRequest) -> dict[str, Any]:
    """The body of a request. Raises DataError or StorageError on an image that does not open."""
    body: dict[str, Any] = {"model": model, "messages": _encode_turns(request)}
    for name in ("max_tokens", "temperature", "top_p", "seed"):
        if getattr(request, name) is not None:
            body[name] = getattr(request, name)
    return body | dict(request.extra)


def _encode_turns(request: ChatRequest) -> list[dict[str, Any]]:
    images = [_encode_image(path, request.max_pixels, request.min_pixels) for path in request.images]
    marked = any(IMAGE_PLACEHOLDER in turn.text for turn in request.turns if turn.role == "user")
    messages: list[dict[str, Any]] = []
    for turn in request.turns:
        if turn.role != "user" or not images:
            messages.append({"role": turn.role, "content": turn.text})
        elif marked:
            messages.append({"role": turn.role, "content": _mix(turn, images)})
        else:
            messages.append({"role": turn.role, "content": [*images, _text(turn.text)]})
            images = []
    return messages


def _mix(turn: Turn, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Texts and images in their order; takes the images that it places from the list."""
    first, *rest = turn.text.split(IMAGE_PLACEHOLDER)
    parts = [_text(first)]
    for text in rest:
        parts += [images.pop(0) if images else _text(IMAGE_PLACEHOLDER), _text(text)]
    return [part for part in parts if part.get("text", "image").strip()]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _encode_image(path: Path, max_pixels: int | None, min_pixels: int | None) -> dict[str, Any]:
    try:
        state = path.stat()
    except OSError as error:
        raise StorageError(
            str(path), expected="an image file", found=error.strerror or "nothing there", fix="check the image folder"
        ) from None
    url = _read_image(path, max_pixels, min_pixels, state.st_mtime_ns, state.st_size)
    return {"type": "image_url", "image_url": {"url": url}}


@lru_cache(maxsize=IMAGES_KEPT)
def _read_image(path: Path, max_pixels: int | None, min_pixels: int | None, *_changed: int) -> str:
    """A picture as a data URL. It is opened even if its bytes are sent: a server's complaint would name no file, and a
    server may read other pixels from it than people saw."""
    shown = show_file(path)
    data = path.read_bytes()
    kind = next((kind for start, kind in SENT_AS_THEY_ARE.items() if data.startswith(start)), None)
    image = fit_pixels(shown.image, max_pixels, min_pixels)
    if kind is None or shown.traits or image is not shown.image:
        data, kind = encode_png(image), "image/png"
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
