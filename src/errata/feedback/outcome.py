"""What a method of feedback gives back.

What became of every prompt: counts that add up.

What `Record.meta` has one value per response of moves and goes with the responses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from errata.endpoints import find_remedy
from errata.records import Missing, Record, count_reasons


@dataclass(frozen=True, slots=True)
class Dropped:
    """A prompt without a record: its id, why in words that many share, what was found in this one.

    `failed` says that something went wrong; otherwise the method's own rules left the prompt out.
    """

    id: str
    reason: str
    detail: str = ""
    failed: bool = False


@dataclass(slots=True)
class Tally:
    """Counts prompts in and out.

    Args:
        prompts: How many there were to begin with.

    Attributes:
        kept: Prompts that have a record.
        dropped: The others, in the order they were dropped.
    """

    prompts: int
    kept: int = 0
    dropped: list[Dropped] = field(default_factory=list)

    def keep(self) -> None:
        """A prompt has its record."""
        self.kept += 1

    def drop(self, prompt: str, reason: str, detail: str = "") -> None:
        """The method leaves a prompt out: all levels tie, nothing to compare, a balance that was asked for."""
        self.dropped.append(Dropped(prompt, reason, detail))

    def fail(self, prompt: str, reason: str, detail: str = "") -> None:
        """A prompt has no record because something is missing or cannot be used."""
        self.dropped.append(Dropped(prompt, reason, detail, failed=True))

    @property
    def failed(self) -> int:
        """Prompts that were lost, not left out; a verb then ends with `INCOMPLETE`."""
        return sum(one.failed for one in self.dropped)

    @property
    def adds_up(self) -> bool:
        """Whether every prompt was kept or dropped, once."""
        return self.kept + len(self.dropped) == self.prompts

    def count_rows(self) -> Iterator[tuple[str, int]]:
        """The lines of the final table: all prompts, those kept, and the dropped by reason, the commonest first."""
        yield "prompts", self.prompts
        yield "kept", self.kept
        yield from Counter(one.reason for one in self.dropped).most_common()


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


def move_values(record: Record, places: Sequence[int]) -> dict[str, Any]:
    """The ratings that levels were made of, and what auto-check found, for the responses that were at these places.

    Args:
        record: As it was.
        places: Of the responses that stay, in their new order.

    Returns:
        Entries for `meta`; without those that are not one value per response.
    """
    levelled = record.meta.get("levels_by")
    names = levelled.get("ratings", ()) if isinstance(levelled, dict) else ()
    count = len(record.responses)
    moved: dict[str, Any] = {name: _move(record.meta.get(name), places, count) for name in names}
    checked = record.meta.get("auto_check")
    if isinstance(checked, dict):
        columns = {name: _move(values, places, count) for name, values in checked.items()}
        moved["auto_check"] = {name: checked[name] if values is None else values for name, values in columns.items()}
    return {name: values for name, values in moved.items() if values is not None}


def _move(values: Any, places: Sequence[int], count: int) -> list[Any] | None:
    return [values[place] for place in places] if isinstance(values, list) and len(values) == count else None
