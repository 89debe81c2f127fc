"""What a judge said: one verdict per sample of a call, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["read", "unreadable", "missing"]
"""`unreadable`: every reply lacked a verdict. `missing`: there was no reply."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One verdict of a call; of several attempts the readable one, or the last.

    Attributes:
        value: What the parser made of the reply; None unless `status` is `read`.
        raw: The reply.
        reason: Why there is no verdict.
        model: The name that the server gave its model; empty where it gave none.
        attempts: Replies received, unreadable ones included.
        prompt_tokens, completion_tokens, price: Of all attempts; None where one of them is unknown. US dollars.
        seconds: From question to reply, of all attempts.
    """

    status: Status
    value: Any = None
    raw: str = ""
    reason: str = ""
    model: str = ""
    attempts: int = 0
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
