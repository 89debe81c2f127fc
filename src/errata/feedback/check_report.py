"""What auto-check changed, over all sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from errata.feedback.kendall import kendall_tau
from errata.records import Record

EXAMPLES = 3
LONGEST = 300
"""Characters of a response that an example shows."""


@dataclass(slots=True)
class CheckReport:
    """Counts while records go by."""

    sets: int = 0
    unranked: int = 0
    reordered: int = 0
    pairs: int = 0
    swapped: int = 0
    taus: list[float] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, before: Record, after: Record) -> None:
        """Count a set: the record as it was and as it is."""
        self.sets += 1
        found = after.meta.get("auto_check")
        if found is None or after is before or len(after.responses) < 3:
            self.unranked += 1
            return
        former = [before.responses[place].level for place in found["former"]][1:]
        levels = list(after.levels)[1:]
        pairs = [(one, two) for one, two in combinations(former, 2) if one != two]
        self.pairs += len(pairs)
        self.swapped += sum(one > two for one, two in pairs)
        tau = kendall_tau(former, levels)
        self.taus += [] if tau is None else [tau]
        if found["former"] != sorted(found["former"]):
            self.reordered += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(_show(after))

    def build(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "sets": self.sets,
            "sets_with_nothing_to_rank": self.unranked,
            "sets_reordered": self.reordered,
            "pairs": self.pairs,
            "pairs_swapped": self.swapped,
            "mean_kendall_tau_with_the_given_order": sum(self.taus) / len(self.taus) if self.taus else None,
            "examples": self.examples,
        }


def _show(record: Record) -> dict[str, Any]:
    found = record.meta["auto_check"]
    columns = zip(record.responses, found["former"], found["acc"], found["score"], strict=True)
    rows = [
        {"former_place": former, "model": response.model, "acc": acc, "score": score, "text": _cut(response.rounds)}
        for response, former, acc, score in columns
    ]
    return {"id": record.id, "responses": rows}


def _cut(rounds: tuple[str, ...]) -> str:
    text = "\n".join(rounds)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
