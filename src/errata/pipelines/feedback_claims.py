"""`errata feedback claims`: questions with answers, a splitter and a labeller -> preference pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from errata.benchmarks import find_cache
from errata.data.shaping import ImageRule
from errata.errors import ConfigError, DataError
from errata.feedback import (
    LABEL,
    LABEL_SUFFIX,
    PLAIN_LABEL,
    RULES,
    Candidates,
    ClaimSettings,
    Feedback,
    FeedbackFolder,
    Judging,
    Labeller,
    build_claim_pairs,
    judge_claims,
    list_judged,
    write_feedback,
)
from errata.feedback.claim_judging import find_missing_image
from errata.feedback.claim_split import SPLIT, Split, ToSplit, ask_splitter
from errata.feedback.endpoint_labeller import EndpointLabeller
from errata.feedback.local_labeller import LocalLabeller
from errata.generation import EndpointSettings, GenerationSettings, repeat_questions
from errata.judges import Backend, Judge, VerdictCache, build_backend, build_judge, load_prices
from errata.pipelines.answer import OnProgress, load_answerer
from errata.records import Answer, Question, read_answers, read_questions, remove_file, write_json_lines

CLAIMS_FILE = "claims.jsonl"
"""Beside the records: every answer with its claims and verdicts, those of no pair too."""
ANSWERS_FILE = "answers.jsonl"
NO_QUESTION = "answers to no question"


@dataclass(frozen=True, slots=True)
class ClaimsJob:
    """What is judged, by whom, and how pairs are made.

    Args:
        questions: JSON lines of questions.
        splitter: `rules`, `world`, `openai:MODEL@URL`, `local:MODEL` or `scripted:FILE`.
        labeller: `local:MODEL`, `openai:MODEL@URL` or `scripted:FILE`.
        answers: JSON lines of answers, such as `errata generate --samples` writes; None lets `model` answer.
        model: Who answers where there is no file of answers.
        samples: Its answers to each question.
        generation: How they are drawn.
        image_root: Where image paths start; None is the folder of the questions.
        suffix: Put behind every question to a local labeller; None is RLAIF-V's, or nothing with the splitter `world`,
            whose questions the bases know as they are.
        settings: How pairs are made.
        cache: The SQLite file of all verdicts; None is the one of all runs.
        prices: A table of your own.
        endpoint: How hard endpoints are asked.
        attempts: Times a judge is asked until its reply can be read.
    """

    questions: Path
    splitter: str
    labeller: str
    answers: Path | None = None
    model: str | None = None
    samples: int = 10
    generation: GenerationSettings = field(default_factory=lambda: GenerationSettings(temperature=0.7))
    image_root: Path | None = None
    suffix: str | None = None
    settings: ClaimSettings = field(default_factory=ClaimSettings)
    cache: Path | None = None
    prices: Path | None = None
    endpoint: EndpointSettings | None = None
    attempts: int = 3

    @property
    def root(self) -> Path:
        """Where image paths start."""
        return self.image_root or self.questions.parent

    @property
    def cache_file(self) -> Path:
        """Where verdicts are kept."""
        return self.cache or find_cache("verdicts.sqlite")


@dataclass(frozen=True, slots=True)
class ClaimsRun:
    """What came of a job: `lost` counts answers that another run may judge, and answers to no question."""

    feedback: Feedback
    judging: Judging
    folder: FeedbackFolder
    lost: int


def run_claims(
    job: ClaimsJob,
    out: str | Path,
    *,
    images: ImageRule = "link",
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> ClaimsRun:
    """Judge answers claim by claim and write the folder of pairs.

    What was asked is kept in the cache and answers in the folder: the same command goes on where it stopped. `fresh`
    lets the model answer again.

    Raises:
        ConfigError: Neither or both of answers and model, or a splitter or labeller that is none.
        DataError: Files that cannot be read.
        ModelError: A model that cannot be loaded or cannot say yes or no.
        StorageError: The folder or the cache cannot be written.
    """
    split, label = _build_splitter(job, on_progress), build_labeller(job)
    check_sources(job)
    if fresh:
        remove_file(Path(out) / ANSWERS_FILE)
    questions = load_questions(job)
    answers = _load_answers(job, questions, Path(out), on_progress)
    candidates, strays = join_answers(questions, answers)
    judging = judge_claims(candidates, split, label, job.root, _watch(on_progress, "labels"))
    feedback = build_claim_pairs(candidates, judging, job.settings)
    feedback.settings |= _describe(job, label)
    feedback.report[NO_QUESTION] = strays
    feedback.report["labeller"] |= getattr(label.judge.backend, "findings", {})
    folder = write_feedback(out, feedback, job.root, images=images)
    write_json_lines(Path(out) / CLAIMS_FILE, list_judged(judging))
    return ClaimsRun(feedback, judging, folder, strays + sum(one.failed for one in judging.answers))


def check_sources(job: ClaimsJob) -> None:
    """Raise ConfigError unless either a file of answers or a model is named."""
    if (job.answers is None) == (job.model is None):
        given = "neither" if job.model is None else "both"
        raise ConfigError(
            "answers", expected="a file of answers, or a model that gives them", found=given, fix="name one of them"
        )


def load_questions(job: ClaimsJob) -> list[Question]:
    """The questions. Raises DataError where there are none."""
    questions = read_questions(job.questions)
    if not questions:
        raise DataError(str(job.questions), expected="questions", found="an empty file", fix="write one a line")
    return questions


def _load_answers(
    job: ClaimsJob, questions: Sequence[Question], out: Path, on_progress: OnProgress | None
) -> list[Answer]:
    """Those that are there, or those that the model gives now; it is not asked about pictures that are not there."""
    if job.model is None:
        return read_answers(str(job.answers))
    open_ = [question for question in questions if not find_missing_image(question, job.root)]
    ask = load_answerer(job.model, job.root, job.generation, on_progress, job.endpoint)
    return ask(repeat_questions(open_, job.samples, job.generation), out / ANSWERS_FILE)


def join_answers(questions: Sequence[Question], answers: Sequence[Answer]) -> tuple[list[Candidates], int]:
    """Every question with its answers, and how many answers belong to none.

    An answer belongs to the question of its id, of `sample_of` in its `meta`, or of its id before the last `#`.
    """
    found: dict[str, list[Answer]] = {question.id: [] for question in questions}
    strays = 0
    for answer in answers:
        names = (answer.id, str(answer.meta.get("sample_of", "")), answer.id.rpartition("#")[0])
        name = next((name for name in names if name in found), None)
        if name is None:
            strays += 1
        else:
            found[name].append(answer)
    return [Candidates(question, tuple(found[question.id])) for question in questions], strays


def _build_splitter(job: ClaimsJob, on_progress: OnProgress | None) -> Callable[[Sequence[ToSplit]], list[Split]]:
    if job.splitter in RULES:
        rule = RULES[job.splitter]
        return lambda items: [rule(item) for item in items]
    return partial(ask_splitter, build_split_judge(job), on_progress=_watch(on_progress, "claims"))


def build_split_judge(job: ClaimsJob, *, offline: bool = False) -> Judge:
    """The judge that takes answers apart. Raises ConfigError on a name that is none."""
    kind = job.splitter.partition(":")[0]
    if kind not in ("openai", "local", "scripted"):
        names = ", ".join(RULES)
        raise ConfigError(
            f"splitter {job.splitter[:80]!r}",
            expected=f"{names}, openai:MODEL@URL, local:MODEL or scripted:FILE",
            found="another kind",
            fix="name a splitter",
        )
    return build_judge(
        job.splitter,
        job.cache_file,
        attempts=job.attempts,
        prices=job.prices,
        endpoint=job.endpoint,
        offline=offline,
    )


def build_labeller(job: ClaimsJob) -> Labeller:
    """Who looks at the pictures; a model is loaded when it is first asked. Raises as `build_judge`."""
    kind = job.labeller.partition(":")[0]
    judge = Judge(
        _build_label_backend(job, kind),
        VerdictCache(job.cache_file),
        attempts=job.attempts,
        prices=load_prices(job.prices),
    )
    if kind != "local":
        return Labeller(judge, LABEL)
    default = "" if job.splitter == "world" else LABEL_SUFFIX
    return Labeller(judge, PLAIN_LABEL, default if job.suffix is None else job.suffix)


def _build_label_backend(job: ClaimsJob, kind: str) -> Backend:
    if kind == "openai":
        return EndpointLabeller(job.labeller, job.endpoint)
    if kind == "local" and job.labeller != "local:":
        return LocalLabeller(job.labeller)
    return build_backend(job.labeller)


def _describe(job: ClaimsJob, labeller: Labeller) -> dict[str, Any]:
    """What the records depend on besides how pairs are made."""
    prompts = {prompt.name: prompt.hash for prompt in (SPLIT, labeller.prompt)}
    who = {"splitter": job.splitter, "labeller": labeller.judge.describe(), "suffix": labeller.suffix}
    return who | {"prompts": prompts}


def _watch(on_progress: OnProgress | None, what: str) -> Callable[[int, int], None] | None:
    return None if on_progress is None else partial(on_progress, what)
