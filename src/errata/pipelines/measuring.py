"""Questions and answers of one benchmark -> its results, and a count of what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from errata.benchmarks import Benchmark, Setup, align_answers, build_item
from errata.records import Answer, BenchmarkResult, Question


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a benchmark was measured.

    Attributes:
        questions: How many there are.
        answered: How many have an answer; the metrics are of these.
        empty: Answers without a word.
        cut: Answers that the limit of tokens ended.
    """

    questions: int
    answered: int
    empty: int
    cut: int

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.answered == self.questions


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark found, and on how much."""

    results: list[BenchmarkResult]
    coverage: Coverage


def measure_answers(
    benchmark: Benchmark[Any], questions: Sequence[Question], answers: Sequence[Answer], setup: Setup
) -> Measured:
    """Score the questions that have an answer.

    Raises:
        DataError: An id that occurs twice, an answer to no question, a label that cannot be used.
    """
    joined = align_answers((q.id for q in questions), answers, where=benchmark.card.name, allow_missing=True)
    asked = [question for question in questions if question.id in joined]
    items = [build_item(benchmark, question, joined[question.id], setup) for question in asked]
    given = joined.values()
    empty = sum(not any(text.strip() for text in answer.rounds) for answer in given)
    cut = sum(not answer.finished for answer in given)
    return Measured(benchmark.score(items, setup), Coverage(len(questions), len(items), empty, cut))
