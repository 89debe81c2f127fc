"""What a judge said: one verdict per sample of a call, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["read", "unreadable", "missing"]
"""`unreadable`: every reply lacked a verdict or was cut off. `missing`: there was no reply."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One verdict of a call; of several attempts the readable one, or the last.

    Attributes:
        value: What the parser made of the reply; None unless `status` is `read`.
        raw: The reply.
        reason: Why there is no verdict.
        cause: The same without what this one reply held, in words that many share.
        remedy: What can be done about it.
        model: The name that the server gave its model; empty where it gave none.
        attempts: Replies received, unreadable ones included.
        cut: Of these, replies that the limit of tokens ended; they are never read.
        changes: What of the last request was not taken as it was asked, in words by parameter.
        prompt_tokens, completion_tokens, price: Of all attempts; None where one of them is unknown. US dollars.
        seconds: From question to reply, of all attempts.
    """

    status: Status
    value: Any = None
    raw: str = ""
    reason: str = ""
    cause: str = ""
    remedy: str = ""
    model: str = ""
    attempts: int = 0
    cut: int = 0
    changes: Mapping[str, str] = field(default_factory=dict)
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    price: float | None = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said to the call of the same `id`, once or several times."""

    id: str
    samples: tuple[Sample, ...]

    @property
    def value(self) -> Any:
        """The first sample's value; None where it is unreadable or missing."""
        return self.samples[0].value

    @property
    def status(self) -> Status:
        """The first sample's."""
        return self.samples[0].status

    @property
    def values(self) -> tuple[Any, ...]:
        """Per sample; None where it is unreadable or missing, never 0."""
        return tuple(sample.value for sample in self.samples)
