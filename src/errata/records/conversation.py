"""Turns of a conversation about images, and the question/answer pair that generation exchanges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")

IMAGE_PLACEHOLDER = "<image>"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `<image>` in a user turn marks where an image stands; without any, images come first."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask a model: images and a conversation that ends with a user turn.

    `images` are paths as text, absolute or relative to a root folder that the reader is given. `followups` are what the
    user says next, turn by turn, each after the model's own answer to the turn before.
    """

    id: str
    images: tuple[str, ...]
    prompt: tuple[Turn, ...]
    meta: dict[str, Any] = field(default_factory=dict)
    followups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to the question of the same `id`. `finished` is False when `max_tokens` cut it off.

    `text` answers the last turn that was asked, `earlier` those before it, of a question with followups.
    """

    id: str
    text: str
    model: str = ""
    finished: bool = True
    meta: dict[str, Any] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()

    @property
    def rounds(self) -> tuple[str, ...]:
        """The answers to every turn, in the order they were given."""
        return (*self.earlier, self.text)
