"""Running a judged benchmark in tests: its questions, answers by a rule, and a judge that replies by a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from errata.benchmarks import Benchmark, Setup
from errata.judges import Judge, JudgeRequest, ScriptedJudge, VerdictCache
from errata.pipelines.evaluate.measuring import Measured, measure_answers
from errata.pipelines.evaluate.settings import load_questions
from errata.records import Answer, Question

Rule = Callable[[JudgeRequest], str]


def answer_all(
    questions: Sequence[Question], say: Callable[[Question], str] = lambda q: f"About {q.id}."
) -> list[Answer]:
    """One answer to every turn of every question."""
    return [Answer(q.id, say(q), "tiny", earlier=tuple(say(q) for _ in q.followups)) for q in questions]


def run_judged(
    benchmark: Benchmark[Any],
    setup: Setup,
    rules: Mapping[str, Rule],
    folder: Path,
    *,
    answers: Sequence[Answer] | None = None,
    attempts: int = 1,
    samples: int = 1,
) -> Measured:
    """Measure answers with the judge of `rules`, by prompt name."""
    questions = load_questions(benchmark, setup)
    judge = Judge(
        ScriptedJudge("test", rules), VerdictCache(folder / "verdicts.sqlite"), attempts=attempts, samples=samples
    )
    return measure_answers(benchmark, questions, answers or answer_all(questions), setup, judge)


def reply_by_id(replies: Mapping[str, str], otherwise: str = "") -> Rule:
    """A rule that looks up the id of the call."""
    return lambda request: replies.get(request.call.id, otherwise)


def values_of(measured: Measured, result: int = 0) -> dict[str, float | None]:
    """Metric -> value."""
    return {name: metric.value for name, metric in measured.results[result].metrics.items()}
