"""A conversation in which the model reads its own answers: what has been said, and what is asked next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from errata.generation.samples import describe_sample
from errata.records import CHANGES, Answer, Question, Turn
from errata.text import split_reasoning, strip_reasoning


@dataclass(slots=True)
class Dialogue:
    """A question with its followups, under way.

    Attributes:
        question: What is asked; its prompt is the first round.
        said: The answers so far.
        finished: False once `max_tokens` cut one of them off.
        changes: What of its requests a server did not take as it was asked.
        stopped: Why no further round can be asked; empty while one can.
    """

    question: Question
    said: list[str] = field(default_factory=list)
    finished: bool = True
    changes: dict[str, str] = field(default_factory=dict)
    stopped: str = ""

    def add(self, text: str, *, finished: bool, changes: Mapping[str, str] | None = None) -> None:
        """Note the answer to the current round; thoughts without an end leave nothing to be told back."""
        self.said.append(text)
        self.changes |= changes or {}
        self.finished = self.finished and finished
        if self.is_open and not split_reasoning(text).finished:
            self.stop(f"the thoughts of round {len(self.said)} did not end")

    def stop(self, reason: str) -> None:
        """Ask nothing more: what was said so far is all there is."""
        self.stopped, self.finished = reason, False

    @property
    def is_open(self) -> bool:
        """Whether a round is still to be asked."""
        return not self.stopped and len(self.said) <= len(self.question.followups)

    def build_question(self) -> Question:
        """The current round: the prompt, and every answer, without its thoughts, with the followup after it."""
        turns = list(self.question.prompt)
        for answer, followup in zip(self.said, self.question.followups, strict=False):
            turns += [Turn("assistant", strip_reasoning(answer)), Turn("user", followup)]
        return replace(self.question, prompt=tuple(turns), followups=()) if self.said else self.question

    def build_answer(self, model: str) -> Answer:
        """All that was said; a dialogue that was stopped says so under `stopped` of the answer's `meta`."""
        meta = describe_sample(self.question) | ({"stopped": self.stopped} if self.stopped else {})
        meta |= {CHANGES: self.changes} if self.changes else {}
        return Answer(self.question.id, self.said[-1], model, self.finished, meta, tuple(self.said[:-1]))
