"""Questions and answers of one benchmark -> its results, and a count of what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from errata.benchmarks import (
    Benchmark,
    Item,
    Reply,
    Setup,
    align_answers,
    build_item,
    count_stand_ins,
    recount,
)
from errata.judges import Judge, measure_spread
from errata.pipelines.evaluate.judging import Judged, Pair, judge_answers
from errata.pipelines.progress import OnProgress
from errata.records import Answer, BenchmarkResult, Missing, Question, count_reasons, describe_answers
from errata.text import Spoken, find_spoken

NOTED = ("stand_ins", "uncaptioned", "refused", "empty", "endless")
"""Counts without which a result's numbers mislead: they stand beside them wherever these are shown."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a benchmark was measured.

    Attributes:
        questions: How many there are.
        answered: How many have an answer.
        empty: Answers without a word, but for the endless ones.
        cut: Answers that the limit of tokens ended.
        reasoned: Answers of which thoughts were set aside; what stands behind them is scored.
        endless: Those whose thoughts never ended: nothing was said.
        refused: Refusals, and replies that miss the image.
        failed: Rows of an answer file that hold what a failed call left; they are no answers.
        unjudged: Answers that lack a verdict; the metrics are of the others.
        unreadable: Answers whose verdicts could not be read, as the metric of that name has them; several samples are
            counted apart.
        truncated: Of these, verdicts whose replies the judge's limit of tokens ended.
        uncaptioned: Questions about images of COCO without people's captions, which are half of the ground truth.
        stand_ins: Questions about a synthetic stand-in for their image, whose answers measure nothing.
        left_out: Questions of the benchmark that are not among `questions`, as their images are not in the answer file.
        reasons: Why answers and verdicts are missing or unreadable, the commonest first, as `count_reasons` gives them.
        models: The names that answers give of their model, with how many give each.
        changes: What of the requests for answers a server did not take as it was asked, as `count_changes` gives it.
    """

    questions: int
    answered: int
    empty: int
    cut: int
    reasoned: int = 0
    endless: int = 0
    refused: int = 0
    failed: int = 0
    unjudged: int = 0
    unreadable: int = 0
    truncated: int = 0
    uncaptioned: int = 0
    stand_ins: int = 0
    left_out: int = 0
    reasons: list[dict[str, Any]] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing; a verdict that cannot be read is."""
        return self.answered == self.questions and not self.unjudged and not self.unreadable


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark found, on how much, and what is to be said about the judge."""

    results: list[BenchmarkResult]
    coverage: Coverage
    judge: dict[str, Any] = field(default_factory=dict)


def measure_answers(
    benchmark: Benchmark[Any],
    questions: Sequence[Question],
    answers: Sequence[Answer],
    setup: Setup,
    judge: Judge | None = None,
    on_progress: OnProgress | None = None,
    missing: Sequence[Missing] = (),
) -> Measured:
    """Score the questions that have an answer and, where the benchmark needs them, verdicts.

    Of an answer, what stands behind a model's thoughts is judged and scored. Whatever else is said about it is counted.
    Where the judge is asked several times, every metric is computed from all samples, and again from each in turn for
    its spread. `missing` says why questions have no answer, as far as that is known.

    Raises:
        DataError: An id that occurs twice, an answer to no question, a label that cannot be used.
        ConfigError: A benchmark that needs a judge and has none.
    """
    joined = align_answers((q.id for q in questions), answers, where=benchmark.card.name, allow_missing=True)
    spoken = {name: find_spoken(answer) for name, answer in joined.items()}
    pairs = [(question, spoken[question.id].answer) for question in questions if question.id in spoken]
    judged = judge_answers(benchmark, pairs, setup, judge, on_progress)
    unjudged = judged.list_missing()
    kept = [pair for pair in pairs if pair[0].id not in unjudged]
    open_ids = {question.id for question in questions} - joined.keys()
    reasons = count_reasons(one for one in missing if one.id in open_ids)
    samples = judge.samples if judge is not None and judged.summary else 1
    rounds = [benchmark.score(_build_items(benchmark, kept, setup, judged, n, spoken), setup) for n in range(samples)]
    results = rounds[0] if samples == 1 else [_pool(results) for results in zip(*rounds, strict=True)]
    coverage = Coverage(
        questions=len(questions),
        answered=len(pairs),
        empty=sum(_is_wordless(one.answer) and not one.endless for one in spoken.values()),
        cut=sum(not answer.finished for _, answer in pairs),
        reasoned=sum(one.reasoned for one in spoken.values()),
        endless=sum(one.endless for one in spoken.values()),
        refused=sum(one.refused for one in spoken.values()),
        unjudged=len(unjudged),
        unreadable=_count_unreadable(results, judged.summary.get("unreadable", 0), samples),
        truncated=judged.summary.get("cut", 0),
        uncaptioned=sum(bool(question.meta.get("uncaptioned")) for question in questions),
        stand_ins=count_stand_ins(questions, setup.image_root),
        reasons=reasons + judged.summary.pop("reasons", []),
        **describe_answers([answer for _, answer in pairs]),
    )
    noted = {name: count for name in NOTED if (count := getattr(coverage, name))}
    if noted:
        results = [replace(one, settings={**one.settings, **noted}) for one in results]
    return Measured(results, coverage, judged.summary)


def _is_wordless(answer: Answer) -> bool:
    """Whether nothing was said: no letter or digit in any round, as where a broken model writes nothing but "!!!!"."""
    return not any(sign.isalnum() for text in answer.rounds for sign in text)


def _count_unreadable(results: Sequence[BenchmarkResult], verdicts: int, samples: int) -> int:
    """The metric's own count, where there is one: in official mode a benchmark may read what holds no verdict."""
    counts = [one.metrics["unreadable"].numerator for one in results if "unreadable" in one.metrics]
    return round(counts[0]) if samples == 1 and counts and counts[0] is not None else verdicts


def _build_items(
    benchmark: Benchmark[Any],
    pairs: Sequence[Pair],
    setup: Setup,
    judged: Judged,
    sample: int,
    spoken: Mapping[str, Spoken],
) -> list[Item]:
    """Items from one sample of every verdict."""
    items = []
    for question, answer in pairs:
        verdicts = tuple(verdict.samples[sample] for verdict in judged.verdicts[question.id])
        item = build_item(benchmark, question, Reply(answer, verdicts), setup)
        items.append(item | spoken[question.id].marks)
    return items


def _pool(results: Sequence[BenchmarkResult]) -> BenchmarkResult:
    """One result of all samples: counts are means, and each metric gets its standard deviation over the samples."""
    first = results[0]
    items = [_pool_items(items) for items in zip(*(result.items for result in results), strict=True)]
    pooled = recount(first, items)
    spreads = {
        name: measure_spread([result.metrics[name].value for result in results]).deviation for name in first.metrics
    }
    metrics = {name: replace(metric, spread=spreads[name]) for name, metric in pooled.metrics.items()}
    return replace(pooled, metrics=metrics, settings={**first.settings, "judge_samples": len(results)})


def _pool_items(items: Sequence[Item]) -> Item:
    names = list(dict.fromkeys(name for item in items for name in item["counts"]))
    counts = {
        name: [sum(item["counts"].get(name, (0, 0))[place] for item in items) / len(items) for place in (0, 1)]
        for name in names
    }
    return {**items[0], "counts": counts, "samples": [item["counts"] for item in items]}
