"""What judging would cost, before a model or a judge is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from errata.benchmarks import Benchmark, Setup, build_benchmarks
from errata.judges import Estimate
from errata.pipelines.evaluate.judging import JudgeSettings, Pair, estimate_judging, load_judge, require_judge
from errata.pipelines.evaluate.score_file import ScoreSettings, open_task
from errata.pipelines.evaluate.settings import EvaluationSettings
from errata.pipelines.evaluate.setups import build_setups, load_questions
from errata.records import Answer, Question, read_answers
from errata.text import find_spoken

CHARACTERS_PER_TOKEN = 4


def plan_evaluation(settings: EvaluationSettings, out: str | Path) -> dict[str, Estimate | None]:
    """Per benchmark the cost of its verdicts; None where no judge is needed.

    Answers that the folder holds count as they are; those to come are taken to be as long as --max-tokens allows.

    Raises:
        ConfigError: As `evaluate`; a judge must be named.
        DataError: As `evaluate`; images need not be there, unless the judge sees them.
    """
    benchmarks = build_benchmarks(settings.benchmarks, settings.options)
    require_judge(benchmarks, settings.judge)
    setups = build_setups(settings, benchmarks, settings.model, settings.generation.seed)
    plan = {}
    for benchmark in benchmarks:
        name = benchmark.card.name
        questions = load_questions(benchmark, setups[name])
        pairs = _stand_in(questions, Path(out) / "answers" / f"{name}.jsonl", settings.generation.max_tokens)
        plan[name] = _estimate(benchmark, pairs, setups[name], settings.judge)
    return plan


def plan_scoring(settings: ScoreSettings) -> dict[str, Estimate | None]:
    """The same for answers that are there. Raises as `score_file`."""
    task = open_task(settings)
    require_judge([task.benchmark], settings.judge)
    answered = {answer.id: answer for answer in task.answers}
    pairs = [(question, answered[question.id]) for question in task.questions if question.id in answered]
    return {task.benchmark.card.name: _estimate(task.benchmark, pairs, task.setup, settings.judge)}


def _estimate(
    benchmark: Benchmark[Any], pairs: Sequence[Pair], setup: Setup, settings: JudgeSettings | None
) -> Estimate | None:
    judge = load_judge(settings) if benchmark.card.judge else None
    pairs = [(question, find_spoken(answer).answer) for question, answer in pairs]
    return None if judge is None else estimate_judging(benchmark, pairs, setup, judge)


def _stand_in(questions: Sequence[Question], path: Path, max_tokens: int) -> list[tuple[Question, Answer]]:
    """Answers that are there, and for the others words as long as they can get, of which no two are alike."""
    known = {answer.id: answer for answer in read_answers(path)} if path.is_file() else {}
    return [
        (question, known.get(question.id) or _write_longest(question, number, max_tokens))
        for number, question in enumerate(questions)
    ]


def _write_longest(question: Question, number: int, max_tokens: int) -> Answer:
    length = CHARACTERS_PER_TOKEN * max_tokens
    text = (f"{number} " + "word " * max_tokens)[:length]
    return Answer(question.id, text, earlier=(text,) * len(question.followups))
