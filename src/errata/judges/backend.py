"""Whoever replies to calls: what it is sent, what comes back, and what every kind of judge can do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from errata.errors import ConfigError
from errata.judges.calls import JudgeCall


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a judge decodes, and how large the pictures are that it sees (`max_pixels`, width times height).

    Replies are kept under these too: others are asked for again.
    """

    temperature: float = 0.0
    top_p: float | None = None
    seed: int | None = None
    max_pixels: int | None = None

    def __post_init__(self) -> None:
        for name, good in (
            ("temperature", 0 <= self.temperature < math.inf),
            ("top_p", self.top_p is None or 0 < self.top_p <= 1),
            ("max_pixels", self.max_pixels is None or self.max_pixels >= 1),
        ):
            if not good:
                raise ConfigError(
                    f"judge.{name}",
                    expected=_RULES[name],
                    found=repr(getattr(self, name)),
                    fix="change the setting",
                )

    def describe(self) -> dict[str, Any]:
        """As JSON values; a limit that is not set is left out, so that replies kept before it was known are found."""
        described = asdict(self)
        if self.max_pixels is None:
            del described["max_pixels"]
        return described


_RULES = {"temperature": "0 or more", "top_p": "above 0 and at most 1", "max_pixels": "at least 1"}


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """One message to one judge, as its backend gets it; `key` is where the reply is kept, `max_tokens` its room."""

    key: str
    call: JudgeCall
    text: str
    sample: int
    attempt: int
    parameters: Parameters
    max_tokens: int

    @property
    def seed(self) -> int | None:
        """Of this request; repetitions have others, as they would otherwise repeat their reply."""
        start = self.parameters.seed
        return None if start is None else start + 1000 * self.attempt + self.sample


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """A backend's reply to the request of the same `key`; tokens as its server counted them.

    Attributes:
        finished: False where the limit of tokens ended it.
        changes: What of the request was not taken as it was asked, as `ChatReply` has it.
    """

    key: str
    text: str
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0
    finished: bool = True
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JudgeFailure:
    """A request without a reply, why, and what can be done about it."""

    key: str
    reason: str
    remedy: str = ""


OnReply = Callable[[JudgeReply | JudgeFailure], None]


class Backend(Protocol):
    """Whoever replies: an endpoint, a local model, a script."""

    @property
    def name(self) -> str:
        """The way a user writes it."""

    @property
    def model(self) -> str:
        """What replies are kept under, `KIND:MODEL`: the same for the same model, wherever it is served."""

    @property
    def free(self) -> bool:
        """Whether it costs nothing per token."""

    def check(self, *, images: bool = False) -> None:
        """Raise what would stop every request, asking nothing: ConfigError (no key) or ModelError (no model, or one
        that cannot do what is asked; `images` says whether it is shown any)."""

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Bring every request to a reply or a failure, in any order."""
