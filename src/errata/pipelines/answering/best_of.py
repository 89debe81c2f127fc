"""How one of several samples becomes the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from errata.errors import ConfigError
from errata.generation import Normalise, is_endpoint


@dataclass(frozen=True, slots=True)
class BestOf:
    """How one of several samples becomes the answer.

    Args:
        count: Samples of every question; 1 gives rewards and no choice.
        base: The model before alignment, whatever `load_model` takes; None is what an adapter was trained from: the
            adapter that its run began with, else the model under it.
        reward: What picks: "self", by how much likelier the model finds an answer than its base does.
        normalise: By the "length" in tokens, or "none".
    """

    count: int
    base: str | None = None
    reward: Literal["self"] = "self"
    normalise: Normalise = "length"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError("best_of", expected="at least 1", found=str(self.count), fix="change the setting")


def refuse_endpoint(name: str) -> None:
    """Raise ConfigError where a model or base is behind an endpoint: a reward needs what servers do not tell."""
    if is_endpoint(name):
        raise ConfigError(
            "best_of",
            expected="a model and a base that are loaded here: the reward is made of log-probabilities of every token",
            found=f"the endpoint {name!r}",
            fix="name the checkpoint that the server was given",
        )
