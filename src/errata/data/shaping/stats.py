"""What a file of records holds, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from errata.data.segments import measure_edit_ratio
from errata.records import Record

UNNAMED = "not named"


@dataclass(slots=True)
class _Numbers:
    """Numbers seen, each with how often: a million records have few different lengths."""

    counts: Counter[float] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        self.counts[value] += 1

    def describe(self) -> dict[str, Any]:
        """Count, mean, quantiles and the numbers themselves."""
        total = self.counts.total()
        ordered = sorted(self.counts.items())
        mean = sum(value * count for value, count in ordered) / total if total else None
        quantiles = {name: _find_quantile(ordered, total, share) for name, share in QUANTILES.items()}
        return {"count": total, "mean": mean, **quantiles, "values": [[value, count] for value, count in ordered]}


QUANTILES = {"least": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "most": 1.0}
"""Name -> share of the numbers that are below it."""


def collect_stats(records: Iterable[Record]) -> dict[str, Any]:
    """Counts of records by what they have, as JSON holds them.

    Args:
        records: Read once.

    Returns:
        `totals` (records, images, responses, segments, pairs), `counts` (for each of `COUNTS`, how often a value
        occurs) and `numbers` (for each of `NUMBERS`, its count, mean, quantiles, and every number with how often it
        occurs). Words are what white space parts.
    """
    counter = _Counter()
    for record in records:
        counter.add(record)
    return counter.describe()


class _Counter:
    def __init__(self) -> None:
        self._totals: Counter[str] = Counter(dict.fromkeys(("records", "responses", "segments", "pairs"), 0))
        self._images: set[str] = set()
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
        self._numbers = {name: _Numbers() for name in NUMBERS}

    def add(self, record: Record) -> None:
        self._images.update(record.images)
        self._totals.update(records=1, responses=len(record.responses), pairs=_count_pairs(record.levels))
        self._counts["source"][record.source or UNNAMED] += 1
        self._counts["license"][record.license or UNNAMED] += 1
        self._counts["responses per record"][str(len(record.responses))] += 1
        self._counts["levels per record"][str(len(set(record.levels)))] += 1
        self._counts["images per record"][str(len(record.images))] += 1
        self._counts["rounds"][str(len(record.responses[0].rounds))] += 1
        self._numbers["words of the prompt"].add(sum(len(turn.text.split()) for turn in record.prompt))
        self._add_responses(record)

    def _add_responses(self, record: Record) -> None:
        best = record.responses[0]
        best_words = _count_words(best.rounds)
        for response in record.responses:
            words = _count_words(response.rounds)
            self._counts["model"][response.model or UNNAMED] += 1
            self._totals["segments"] += len(response.segments)
            self._counts["segment type"].update(segment.type or "untyped" for segment in response.segments)
            if response.level == 0:
                self._numbers["words of the best response"].add(words)
                continue
            self._numbers["words of worse responses"].add(words)
            self._numbers["words more in the best response"].add(best_words - words)
            self._numbers["segments per worse response"].add(len(response.segments))
            self._numbers["edit ratio"].add(round(measure_edit_ratio(response, best), 3))

    def describe(self) -> dict[str, Any]:
        totals = {"records": 0, "images": len(self._images)} | dict(self._totals)
        counts = {
            name: dict(sorted(found.items(), key=lambda one: (-one[1], one[0]))) for name, found in self._counts.items()
        }
        return {
            "totals": totals,
            "counts": counts,
            "numbers": {name: numbers.describe() for name, numbers in self._numbers.items()},
        }


COUNTS: tuple[str, ...] = ("segment type", "source", "license", "levels per record", "responses per record")
COUNTS += ("images per record", "rounds", "model")
NUMBERS: tuple[str, ...] = ("words of the prompt", "words of the best response", "words of worse responses")
NUMBERS += ("words more in the best response", "segments per worse response", "edit ratio")


def _count_words(rounds: Iterable[str]) -> int:
    return sum(len(text.split()) for text in rounds)


def _count_pairs(levels: tuple[int, ...]) -> int:
    """Pairs of responses at different levels."""
    same = sum(count * (count - 1) // 2 for count in Counter(levels).values())
    return len(levels) * (len(levels) - 1) // 2 - same


def _find_quantile(ordered: list[tuple[float, int]], total: int, share: float) -> float | None:
    """The smallest number that at least this share of all numbers does not exceed."""
    passed = 0
    for value, count in ordered:
        passed += count
        if passed >= share * total:
            return value
    return None
