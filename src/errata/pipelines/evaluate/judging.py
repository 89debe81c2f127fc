"""Answers -> verdicts: what a benchmark wants to know of a judge, asked until it needs no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.benchmarks import Benchmark, Reply, Setup, find_cache
from errata.endpoints import EndpointSettings
from errata.errors import ConfigError
from errata.judges import Estimate, Judge, JudgeCall, Parameters, Verdict, build_judge, summarise
from errata.pipelines.progress import OnProgress
from errata.records import Answer, Question

Pair = tuple[Question, Answer]


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """Who judges, and how often.

    Args:
        name: `openai:MODEL@URL`, `local:MODEL` or `scripted:FILE`.
        samples: Verdicts per call; with several, metrics come with their spread.
        temperature: Of the judge.
        max_pixels: Width times height of the largest picture that it sees; larger ones are made smaller.
        attempts: Times a call is asked until its reply can be read.
        max_tokens: Room for a reply in place of each prompt's own, as `Judge` takes it.
        endpoint: How hard an endpoint is asked, how long it may take, and under which names it may reply.
        cache: The SQLite file of all verdicts; None is `verdicts.sqlite` in the cache folder.
        prices: A table of your own.
        offline: Take verdicts from the cache alone.
    """

    name: str
    samples: int = 1
    temperature: float = 0.0
    max_pixels: int | None = None
    attempts: int = 3
    max_tokens: int | None = None
    endpoint: EndpointSettings | None = None
    cache: Path | None = None
    prices: Path | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """Verdicts by question, in the order of its calls, and what a result says about them."""

    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)

    def list_missing(self) -> set[str]:
        """The questions that lack a verdict."""
        return {
            name
            for name, verdicts in self.verdicts.items()
            if any(sample.status == "missing" for verdict in verdicts for sample in verdict.samples)
        }


def load_judge(settings: JudgeSettings | None) -> Judge | None:
    """The judge of the settings. Raises ConfigError or DataError as `build_judge` does."""
    if settings is None:
        return None
    return build_judge(
        settings.name,
        settings.cache or find_cache("verdicts.sqlite"),
        parameters=Parameters(temperature=settings.temperature, max_pixels=settings.max_pixels),
        samples=settings.samples,
        attempts=settings.attempts,
        max_tokens=settings.max_tokens,
        endpoint=settings.endpoint,
        prices=settings.prices,
        offline=settings.offline,
    )


def require_judge(benchmarks: Sequence[Benchmark[Any]], settings: JudgeSettings | None) -> None:
    """Raise ConfigError, before a model is asked, where a benchmark needs a judge and there is none."""
    needing = [one.card.name for one in benchmarks if one.card.judge]
    if needing and settings is None:
        raise ConfigError(
            f"benchmark {needing[0]}",
            expected="a judge",
            found="none",
            fix="name one with --judge, such as openai:MODEL@URL; --dry-run says what it costs",
        )


def open_judge(benchmarks: Sequence[Benchmark[Any]], settings: JudgeSettings | None) -> Judge | None:
    """The judge that these benchmarks will ask, found fit before a model has answered anything.

    Raises:
        ConfigError: None is named where one is needed, its name or settings are wrong, or it lacks its key.
        DataError: A file of recorded replies that cannot be read.
        ModelError: A local model that is not there.
    """
    require_judge(benchmarks, settings)
    judge = load_judge(settings)
    if judge is not None and any(one.card.judge for one in benchmarks):
        judge.check()
    return judge


def judge_answers(
    benchmark: Benchmark[Any],
    pairs: Sequence[Pair],
    setup: Setup,
    judge: Judge | None,
    on_progress: OnProgress | None = None,
) -> Judged:
    """Ask call after call; a question that lacks a verdict is asked about no further.

    Raises:
        ConfigError: The benchmark has calls and there is no judge; otherwise as `Judge.ask`.
    """
    verdicts: dict[str, list[Verdict]] = {question.id: [] for question, _ in pairs}
    calls: list[JudgeCall] = []
    said: list[Verdict] = []
    waiting = list(pairs)
    answers = {question.id: answer for question, answer in pairs}
    while wanted := _list_calls(benchmark, waiting, setup, verdicts, answers):
        if judge is None:
            raise ConfigError(
                f"benchmark {benchmark.card.name}", expected="a judge", found="none", fix="name one with --judge"
            )
        new = [call for _, call in wanted]
        replies = judge.ask(new, _watch(on_progress, benchmark.card.name))
        for (pair, _), verdict in zip(wanted, replies, strict=True):
            verdicts[pair[0].id].append(verdict)
        calls, said = calls + new, said + replies
        missing = Judged(verdicts).list_missing()
        waiting = [pair for pair in {pair[0].id: pair for pair, _ in wanted}.values() if pair[0].id not in missing]
    if judge is None or not calls:
        return Judged(verdicts)
    return Judged(verdicts, {**judge.describe(), **summarise(calls, said)})


def estimate_judging(benchmark: Benchmark[Any], pairs: Sequence[Pair], setup: Setup, judge: Judge) -> Estimate:
    """What all calls would cost: those that follow on a verdict too, and on one not known yet the most that may."""
    verdicts: dict[str, list[Verdict]] = {question.id: [] for question, _ in pairs}
    calls: list[JudgeCall] = []
    waiting = list(pairs)
    answers = {question.id: answer for question, answer in pairs}
    while wanted := _list_calls(benchmark, waiting, setup, verdicts, answers):
        new = [call for _, call in wanted]
        for (pair, _), verdict in zip(wanted, judge.foresee(new), strict=True):
            verdicts[pair[0].id].append(verdict)
        calls += new
        waiting = list({pair[0].id: pair for pair, _ in wanted}.values())
    return judge.estimate(calls)


def _list_calls(
    benchmark: Benchmark[Any],
    pairs: Sequence[Pair],
    setup: Setup,
    verdicts: Mapping[str, Sequence[Verdict]],
    answers: Mapping[str, Answer],
) -> list[tuple[Pair, JudgeCall]]:
    wanted = []
    for question, answer in pairs:
        said = tuple(verdict.samples[0] for verdict in verdicts[question.id])
        reply = Reply(answer, said, answers.get(question.meta.get("beside", "")))
        wanted += [((question, answer), call) for call in benchmark.judge(question, reply, setup)]
    return wanted


def _watch(on_progress: OnProgress | None, name: str) -> Any:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(f"{name}: judge", done, total)
