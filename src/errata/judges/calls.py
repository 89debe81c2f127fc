"""What is asked of a judge and what it says: prompts, calls, verdicts."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from errata.errors import ConfigError
from errata.judges.fence import FENCE_FORMAT, FENCE_RULES, Value, render_fenced

Parser = Callable[[str], Any]
"""A judge's reply to the verdict, as a JSON value. Raises ValueError where there is none in it."""

Status = Literal["read", "unreadable", "missing"]
"""`unreadable`: every reply lacked a verdict. `missing`: there was no reply."""


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """A text of ours with slots `{name}`, each to be filled with a quoted text.

    Attributes:
        name: Of the benchmark or check that it serves.
        version: Raised with every change of the text; the hash tells changes that forgot it.
        max_tokens: Room for the reply; too little cuts the verdict off.
    """

    name: str
    version: int
    text: str
    max_tokens: int = 512

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name) or not self.text.strip() or self.max_tokens < 1:
            raise ConfigError(
                f"judge prompt {self.name!r}",
                expected="a name of lower-case letters, digits and -._, a text, and room for a reply",
                found="something else",
                fix="change the prompt",
            )

    @property
    def hash(self) -> str:
        """Of all that the prompt fixes of a message."""
        fixed = json.dumps([self.name, self.version, self.text, FENCE_FORMAT, FENCE_RULES])
        return hashlib.sha256(fixed.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class JudgeCall:
    """One thing to be judged.

    Attributes:
        id: Occurs once among the calls of one `ask`.
        prompt: What to judge by.
        values: By slot of the prompt. Texts are quoted between marks, whoever wrote them; an `int` stands as it is.
        parse: Takes the verdict from a reply. It sees the reply alone, never the prompt.
        images: Files shown to the judge, in order.
    """

    id: str
    prompt: JudgePrompt
    values: Mapping[str, Value]
    parse: Parser
    images: tuple[Path, ...] = ()

    def render(self, sample: int = 0, attempt: int = 0) -> str:
        """The message. Repetitions differ in the marks' code alone. Raises ConfigError on slots without a value."""
        salt = f"{self.prompt.hash} {sample} {attempt}"
        return render_fenced(self.prompt.text, self.values, salt, f"judge prompt {self.prompt.name}, call {self.id!r}")


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


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a judge decodes. Replies are kept under these too: others are asked for again."""

    temperature: float = 0.0
    top_p: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, good in (
            ("temperature", 0 <= self.temperature < math.inf),
            ("top_p", self.top_p is None or 0 < self.top_p <= 1),
        ):
            if not good:
                raise ConfigError(
                    f"judge.{name}",
                    expected="0 or more" if name == "temperature" else "above 0 and at most 1",
                    found=repr(getattr(self, name)),
                    fix="change the setting",
                )


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """One message to one judge, as its backend gets it; `key` is where the reply is kept."""

    key: str
    call: JudgeCall
    text: str
    sample: int
    attempt: int
    parameters: Parameters

    @property
    def seed(self) -> int | None:
        """Of this request; repetitions have others, as they would otherwise repeat their reply."""
        start = self.parameters.seed
        return None if start is None else start + 1000 * self.attempt + self.sample


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """A backend's reply to the request of the same `key`; tokens as its server counted them."""

    key: str
    text: str
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class JudgeFailure:
    """A request without a reply, and why."""

    key: str
    reason: str


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

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Bring every request to a reply or a failure, in any order."""
