"""What a study on the synthetic world is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["levels", "auto_check", "corrections", "rounds", "best_of"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a study; which fields count depends on the study's kind.

    Args:
        recipe, train: Of training, and settings that replace the recipe's.
        experts: `levels`, `auto_check`: shipped bases that answer below the truth, strong to weak.
        sets: `levels`: train on so many sets, drawn; None takes all.
        order, agreement: `auto_check`: `true`, `shuffled` or `checked` levels, and by what agreement they are checked.
        corrections: `corrections`: how many are used.
        labeller: `rounds`: a shipped base, `self`, or `truth`.
        samples: `best_of`: how many answers the reward picks from; `rounds`: answers to each question.
        temperature: Of sampled answers.
    """

    recipe: str = ""
    train: Mapping[str, Any] = field(default_factory=dict)
    experts: tuple[str, ...] = ()
    sets: int | None = None
    order: Literal["true", "shuffled", "checked"] = "true"
    agreement: Literal["recall", "precision", "f1"] = "recall"
    corrections: int | None = None
    labeller: str = "self"
    samples: int = 1
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class WorldStudy:
    """What is compared.

    Args:
        title: Of the table.
        kind: How the conditions' records are made.
        conditions: By the name that the table shows.
        scenes: Scenes that answers are collected on, in every round.
        measured_scenes: Scenes that models are measured on.
        rounds: Of kind `rounds`.
    """

    title: str
    kind: Kind
    conditions: Mapping[str, Condition]
    scenes: int = 800
    measured_scenes: int = 600
    rounds: int = 1
