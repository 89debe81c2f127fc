"""What is asked of a judge: prompts with slots, and calls that fill them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.errors import ConfigError
from errata.judges.fence import FENCE_FORMAT, FENCE_RULES, Value, render_fenced

Parser = Callable[[str], Any]
"""A judge's reply to the verdict, as a JSON value. Raises ValueError where there is none in it."""


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """A text of ours with slots `{name}`, each to be filled with a quoted text.

    Attributes:
        name: Of the benchmark or check that it serves.
        version: Raised with every change of the text; the hash tells changes that forgot it.
        max_tokens: Room for the reply where the judge is told no other; a reply that fills it is asked for once more
            with more.
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
