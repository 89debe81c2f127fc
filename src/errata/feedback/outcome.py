"""What a method of feedback gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from errata.feedback.tally import Tally
from errata.generation import find_remedy
from errata.records import Missing, Record, count_reasons


@dataclass(slots=True)
class Feedback:
    """Records, and how they came to be.

    Attributes:
        method: The verb: `meg`, `ig`, `check`, `claims`, `ratings` or `correct`.
        records: With levels; their ids occur once.
        tally: What became of every prompt. A method that makes several records of one prompt keeps the prompt once.
        settings: What the records depend on, as JSON values: models, judges with prompt hashes, thresholds, seeds.
        report: What the method found, as JSON values.
        lost: Answers, verdicts or instructions that are missing though no prompt was lost for it; a verb then ends with
            `INCOMPLETE`.
    """

    method: str
    records: list[Record]
    tally: Tally
    settings: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    lost: int = 0

    def list_reasons(self) -> list[dict[str, Any]]:
        """Why prompts were lost, or answers where the method reports them, the commonest first (`count_reasons`)."""
        told = self.report.get("reasons")
        if told is not None:
            return list(told)
        lost = [one for one in self.tally.dropped if one.failed]
        return count_reasons(
            Missing(one.id, one.reason, one.detail or one.reason, find_remedy(one.detail)) for one in lost
        )
