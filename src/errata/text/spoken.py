"""What of an answer counts: what was said, without the thoughts that a reasoning model wrote before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from errata.records import Answer
from errata.text.reasoning import split_reasoning
from errata.text.refusals import is_refusal


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer as it is judged and scored, and what is to be said about it.

    Attributes:
        answer: In every round what stands behind the thoughts; nothing where they did not end.
        reasoned: Whether there were thoughts.
        endless: Whether those of some round did not end.
        refused: Whether it is a refusal, to the last round where there are several.
    """

    answer: Answer
    reasoned: bool = False
    endless: bool = False
    refused: bool = False

    @property
    def marks(self) -> dict[str, bool]:
        """What holds of these, for an item."""
        found = {name: getattr(self, name) for name in ("reasoned", "endless", "refused")}
        return {name: True for name, holds in found.items() if holds}


def find_spoken(answer: Answer) -> Spoken:
    """The answer without its thoughts. What was stored stays as it is."""
    rounds = [split_reasoning(text) for text in answer.rounds]
    *earlier, last = [one.answer for one in rounds]
    said = replace(answer, text=last, earlier=tuple(earlier))
    reasoned = any(one.reasoning for one in rounds)
    return Spoken(said, reasoned, not all(one.finished for one in rounds), is_refusal(last))
