"""Answers made elsewhere -> scores: a result folder like that of an evaluation.

What judging would cost, before a model or a judge is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errata.benchmarks import (
    ANSWERED,
    REST,
    Benchmark,
    GivenAnswer,
    Mode,
    Setup,
    align_answers,
    are_about,
    build_benchmarks,
    find_image,
    find_image_key,
    find_images,
    join_answers,
    look_up_numbers,
    read_given_answers,
)
from errata.config import dump_settings
from errata.errors import ConfigError, DataError
from errata.judges import Estimate
from errata.pipelines.evaluate.judging import (
    JudgeSettings,
    Pair,
    estimate_judging,
    load_judge,
    open_judge,
    require_judge,
)
from errata.pipelines.evaluate.measuring import measure_answers
from errata.pipelines.evaluate.run import write_evaluation
from errata.pipelines.evaluate.settings import Evaluation, EvaluationSettings, build_setups, load_questions
from errata.pipelines.progress import OnProgress
from errata.records import Answer, Question, read_answers, read_questions, write_answers, write_questions
from errata.text import find_spoken


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """Which answers are scored, and as what.

    Args:
        benchmark: Of `benchmarks.BENCHMARKS`.
        answers: A file of ours, of an original repository, of lmms-eval or of VLMEvalKit.
        annotations, data, vocabulary, mode, options: As in `EvaluationSettings`.
        image_root: Where images lie, for the examples of a report; nothing else needs them.
        answer_column: Which column holds the model's words; None finds it where only one can.
        images_of_answers: The images that the file answers are the whole set; all their questions have to be answered.
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
    answer_column: str | None = None
    images_of_answers: bool = False
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
    coverage = replace(measured.coverage, failed=len(task.failed), left_out=task.left_out)
    measured = replace(measured, coverage=coverage)
    name = task.benchmark.card.name
    write_questions(out / "questions" / f"{name}.jsonl", task.questions)
    write_answers(out / "answers" / f"{name}.jsonl", task.answers)
    stated = {**dump_settings(settings), "model": task.setup.model, "questions_from": task.questions_from}
    return write_evaluation({name: measured}, {name: task.questions}, {name: task.setup}, stated, out, judge)


@dataclass(frozen=True, slots=True)
class Task:
    """A benchmark with questions, and the answers joined with them.

    Attributes:
        questions_from: Where the questions stood.
        failed: The rows that hold what a failed call left, and no answer.
        left_out: Questions about images that the file does not answer, where those it answers are the whole set.
    """

    benchmark: Benchmark[Any]
    setup: Setup
    questions: list[Question]
    answers: list[Answer]
    questions_from: str
    failed: list[GivenAnswer]
    left_out: int = 0


def open_task(settings: ScoreSettings) -> Task:
    """Read and join. Raises as `score_file`."""
    given = read_given_answers(settings.answers, settings.answer_column)
    if settings.questions is not None:
        given = look_up_numbers(given, settings.questions)
    model = settings.model or next((answer.model for answer in given if answer.model), settings.answers.stem)
    (benchmark,) = build_benchmarks((settings.benchmark,), settings.options)
    if benchmark.none_is_an_answer:
        given = [_keep_none(answer) for answer in given]
    setup = build_setups(settings, [benchmark], model, settings.seed)[benchmark.card.name]
    questions, source = _find_questions(benchmark, given, setup, settings)
    _require_questions_of_run(settings.answers, questions)
    fix = _advise_strangers(benchmark, given, settings, setup)
    whole = len(questions)
    if settings.images_of_answers:
        _refuse_drawing(benchmark)
        benchmark.refuse_images(given, setup)
        images = find_images(given, questions, where=str(settings.answers), fix=fix)
        questions = [question for question in questions if find_image(question) in images]
    answers = _join(benchmark, given, questions, settings, fix)
    failed = [answer for answer in given if answer.failed]
    return Task(benchmark, setup, questions, answers, source, failed, whole - len(questions))


def _keep_none(answer: GivenAnswer) -> GivenAnswer:
    """ "None" as an answer: how many there are, or what somebody holds."""
    said = answer.failed.strip("'")
    return replace(answer, text=said, failed="") if said.casefold() == "none" else answer


def _refuse_drawing(benchmark: Benchmark[Any]) -> None:
    if benchmark.draws and getattr(benchmark, benchmark.draws) is not None:
        option = f"{benchmark.card.name}.{benchmark.draws}"
        fix = f"leave out {option}, or {ANSWERED}"
        raise ConfigError(option, expected=f"no sample beside {ANSWERED}", found="both", fix=fix)


def _require_questions_of_run(path: Path, questions: Sequence[Question]) -> None:
    """Raise DataError where answers lie beside the questions of their run, and an id means another question here."""
    beside = path.parent.parent / "questions" / path.name
    try:
        asked = {question.id: question for question in read_questions(beside)} if beside.is_file() else {}
    except DataError:  # questions of somebody else
        return
    for question in questions:
        other = asked.get(question.id)
        if other is not None and _describe(other) != _describe(question):
            raise DataError(
                f"{path}: {question.id}",
                expected=f"an answer to {' '.join(_describe(question))!r}",
                found=f"one to {' '.join(_describe(other))!r}, by {beside}",
                fix="score with the data, seed and options of the run that asked",
            )


def _describe(question: Question) -> tuple[str, ...]:
    return (*map(find_image_key, question.images), question.prompt[-1].text)


def _advise_strangers(
    benchmark: Benchmark[Any], given: Sequence[GivenAnswer], settings: ScoreSettings, setup: Setup
) -> str:
    """What to do about answers to other questions; a file that holds its own may be scored by them."""
    told = [f"--{name}" for name in ("annotations", "data") if getattr(settings, name) is not None]
    if told and benchmark.adopt(given) is not None:
        return f"leave out {' and '.join(told)}: the rows hold question, label and setting, and are scored by them"
    return benchmark.advise_strangers(setup)


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


def _join(
    benchmark: Benchmark[Any], given: list[GivenAnswer], questions: list[Question], settings: ScoreSettings, fix: str
) -> list[Answer]:
    where = str(settings.answers)
    named = settings.answer_column is not None
    answers = join_answers(given, questions, where=where, fix=fix, named=named)
    ways = _advise_missing(benchmark, given, questions, {answer.id for answer in answers})
    joined = align_answers(
        (q.id for q in questions), answers, where=where, allow_missing=settings.allow_missing, fix=ways
    )
    return list(joined.values())


def _advise_missing(
    benchmark: Benchmark[Any], given: Sequence[GivenAnswer], questions: Sequence[Question], answered: set[str]
) -> str:
    """Every way on from a file that leaves questions open."""
    failed = [answer for answer in given if answer.failed]
    shown = {find_image(question) for question in questions if question.id in answered}
    ways = [REST]
    if any(find_image(question) not in shown for question in questions):
        ways.append(f"take the images of the answer file as the whole set with {ANSWERED}")
    ways += filter(None, [benchmark.advise_missing(questions, answered)])
    return (describe_failed(failed) + "; " if failed else "") + ", or ".join(ways)


def describe_failed(failed: Sequence[GivenAnswer]) -> str:
    """How many rows hold no answer, and what stands in the first."""
    what = "1 row holds" if len(failed) == 1 else f"{len(failed)} rows hold"
    return f"{what} no answer, the first ({failed[0].where}) {failed[0].failed}"


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
