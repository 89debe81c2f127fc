"""Answers made elsewhere -> scores: a result folder like that of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.benchmarks import (
    Benchmark,
    GivenAnswer,
    Mode,
    Setup,
    align_answers,
    are_about,
    build_benchmarks,
    join_answers,
    look_up_numbers,
    read_given_answers,
)
from errata.config import dump_settings
from errata.pipelines.answer import OnProgress
from errata.pipelines.evaluate import Evaluation, write_evaluation
from errata.pipelines.judging import JudgeSettings, open_judge
from errata.pipelines.measuring import measure_answers
from errata.pipelines.setups import build_setups, load_questions
from errata.records import Answer, Question, write_answers, write_questions


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """Which answers are scored, and as what.

    Args:
        benchmark: Of `benchmarks.BENCHMARKS`.
        answers: A file of ours, of an original repository, of lmms-eval or of VLMEvalKit.
        annotations, data, vocabulary, mode, options: As in `EvaluationSettings`.
        image_root: Where images lie, for the examples of a report; nothing else needs them.
        questions: The question file whose numbers the answers have, where it is not one of the benchmark's own.
        model: Name for the results; None takes the one in the file.
        allow_missing: Score what is there, count what is missing.
        seed: With which images were drawn and questions built.
        judge: Who judges, for a benchmark that needs it.
    """

    benchmark: str
    answers: Path
    annotations: Path | None = None
    data: Path | None = None
    vocabulary: Path | None = None
    mode: Mode = "strict"
    options: tuple[str, ...] = ()
    image_root: Path | None = None
    questions: Path | None = None
    model: str | None = None
    allow_missing: bool = False
    seed: int = 0
    judge: JudgeSettings | None = None


def score_file(settings: ScoreSettings, out: str | Path, *, on_progress: OnProgress | None = None) -> Evaluation:
    """Score a file of answers; no model is asked but a judge, where the benchmark needs one.

    Args:
        settings: What is scored.
        out: The result folder.
        on_progress: Told about verdicts.

    Raises:
        ConfigError: An unknown benchmark or option, or a judge that is needed and not named or lacks its key.
        DataError: Answers or data that cannot be used; a missing answer, unless that is allowed.
    """
    out = Path(out)
    task = open_task(settings)
    judge = open_judge([task.benchmark], settings.judge)
    measured = measure_answers(task.benchmark, task.questions, task.answers, task.setup, judge, on_progress)
    name = task.benchmark.card.name
    write_questions(out / "questions" / f"{name}.jsonl", task.questions)
    write_answers(out / "answers" / f"{name}.jsonl", task.answers)
    stated = {**dump_settings(settings), "model": task.setup.model, "questions_from": task.questions_from}
    return write_evaluation({name: measured}, {name: task.questions}, {name: task.setup}, stated, out, judge)


@dataclass(frozen=True, slots=True)
class Task:
    """A benchmark with questions, and the answers joined with them; `questions_from` says where the former stood."""

    benchmark: Benchmark[Any]
    setup: Setup
    questions: list[Question]
    answers: list[Answer]
    questions_from: str


def open_task(settings: ScoreSettings) -> Task:
    """Read and join. Raises as `score_file`."""
    given = read_given_answers(settings.answers)
    if settings.questions is not None:
        given = look_up_numbers(given, settings.questions)
    model = settings.model or next((answer.model for answer in given if answer.model), settings.answers.stem)
    (benchmark,) = build_benchmarks((settings.benchmark,), settings.options)
    setup = build_setups(settings, [benchmark], model, settings.seed)[benchmark.card.name]
    questions, source = _find_questions(benchmark, given, setup, settings)
    return Task(benchmark, setup, questions, _join(given, questions, settings), source)


def _find_questions(
    benchmark: Benchmark[Any], given: list[GivenAnswer], setup: Setup, settings: ScoreSettings
) -> tuple[list[Question], str]:
    """The benchmark's questions; where none are at hand, or those that were fetched are others, those of the file."""
    told = settings.annotations is not None or settings.data is not None
    adopted = None if told else benchmark.adopt(given)
    if adopted is not None and setup.data is None:
        return adopted, "the answer file"
    questions = load_questions(benchmark, setup)
    if adopted is None or are_about(given, questions):
        return questions, "the benchmark"
    return adopted, "the answer file"


def _join(given: list[GivenAnswer], questions: list[Question], settings: ScoreSettings) -> list[Answer]:
    where = str(settings.answers)
    answers = join_answers(given, questions, where=where)
    joined = align_answers((q.id for q in questions), answers, where=where, allow_missing=settings.allow_missing)
    return list(joined.values())
