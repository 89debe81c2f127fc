"""Answers made elsewhere -> scores: a result folder like that of an evaluation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from errata.benchmarks import GivenAnswer, Mode, align_answers, build_benchmarks, join_answers, read_given_answers
from errata.config import dump_settings
from errata.pipelines.evaluate import Evaluation, build_setups, load_questions
from errata.pipelines.evaluate_results import build_results
from errata.pipelines.measuring import measure_answers
from errata.records import Answer, Question, write_answers, write_questions, write_text


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """Which answers are scored, and as what.

    Args:
        benchmark: Of `benchmarks.BENCHMARKS`.
        answers: A file of ours, of an original repository, of lmms-eval or of VLMEvalKit.
        annotations, data, vocabulary, mode, options: As in `EvaluationSettings`.
        image_root: Where images lie, for the examples of a report; nothing else needs them.
        model: Name for the results; None takes the one in the file.
        allow_missing: Score what is there, count what is missing.
        seed: With which images were drawn and questions built.
    """

    benchmark: str
    answers: Path
    annotations: Path | None = None
    data: Path | None = None
    vocabulary: Path | None = None
    mode: Mode = "strict"
    options: tuple[str, ...] = ()
    image_root: Path | None = None
    model: str | None = None
    allow_missing: bool = False
    seed: int = 0


def score_file(settings: ScoreSettings, out: str | Path) -> Evaluation:
    """Score a file of answers; no model is asked.

    Args:
        settings: What is scored.
        out: The result folder.

    Raises:
        ConfigError: An unknown benchmark or option.
        DataError: Answers or data that cannot be used; a missing answer, unless that is allowed.
    """
    out = Path(out)
    given = read_given_answers(settings.answers)
    model = settings.model or next((answer.model for answer in given if answer.model), settings.answers.stem)
    (benchmark,) = build_benchmarks((settings.benchmark,), settings.options)
    name = benchmark.card.name
    setup = build_setups(settings, [benchmark], model, settings.seed)[name]
    adopted = benchmark.adopt(given) if setup.annotations is None and setup.data is None else None
    questions = load_questions(benchmark, setup) if adopted is None else adopted
    answers = _join(given, questions, settings)
    measured = measure_answers(benchmark, questions, answers, setup)
    write_questions(out / "questions" / f"{name}.jsonl", questions)
    write_answers(out / "answers" / f"{name}.jsonl", answers)
    stated = {**dump_settings(settings), "model": model, "questions_from": "answers" if adopted else "benchmark"}
    roots = {name: settings.image_root} if settings.image_root is not None else {}
    content = build_results(measured.results, {name: measured.coverage}, {name: questions}, roots, stated, out)
    write_text(out / "results.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return Evaluation(measured.results, {name: measured.coverage})


def _join(given: list[GivenAnswer], questions: list[Question], settings: ScoreSettings) -> list[Answer]:
    where = str(settings.answers)
    answers = join_answers(given, questions, where=where)
    joined = align_answers((q.id for q in questions), answers, where=where, allow_missing=settings.allow_missing)
    return list(joined.values())
