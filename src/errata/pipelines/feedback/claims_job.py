"""A job of `errata feedback claims`, and the splitter and labeller that it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from errata.benchmarks import find_cache
from errata.endpoints import EndpointSettings
from errata.errors import ConfigError, DataError
from errata.feedback import (
    LABEL,
    LABEL_SUFFIX,
    PLAIN_LABEL,
    RULES,
    ClaimSettings,
    EndpointLabeller,
    Labeller,
    OnProgress,
    Split,
    ToSplit,
    ask_splitter,
)
from errata.generation import GenerationSettings
from errata.judges import Backend, Judge, Parameters, VerdictCache, build_backend, build_judge, load_prices
from errata.records import Question, read_questions


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
        max_pixels: Width times height of the largest picture that the labeller sees; larger ones are made smaller.
        max_tokens: Room for their replies, as `Judge` takes it.
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
    max_pixels: int | None = None
    max_tokens: int | None = None

    @property
    def root(self) -> Path:
        """Where image paths start."""
        return self.image_root or self.questions.parent

    @property
    def cache_file(self) -> Path:
        """Where verdicts are kept."""
        return self.cache or find_cache("verdicts.sqlite")


def check_sources(job: ClaimsJob) -> None:
    """Raise ConfigError unless either a file of answers or a model is named."""
    if (job.answers is None) == (job.model is None):
        given = "neither" if job.model is None else "both"
        raise ConfigError(
            "answers", expected="a file of answers, or a model that gives them", found=given, fix="name one of them"
        )


def check_judges(job: ClaimsJob, labeller: Labeller) -> None:
    """Raise what would stop splitter or labeller before a model has answered anything: ConfigError or ModelError."""
    if job.splitter not in RULES:
        build_split_judge(job).check()
    labeller.judge.check(images=True)


def load_questions(job: ClaimsJob) -> list[Question]:
    """The questions. Raises DataError where there are none."""
    questions = read_questions(job.questions)
    if not questions:
        raise DataError(str(job.questions), expected="questions", found="an empty file", fix="write one a line")
    return questions


def build_splitter(job: ClaimsJob, on_progress: OnProgress | None = None) -> Callable[[Sequence[ToSplit]], list[Split]]:
    """Who takes answers apart. Raises ConfigError on a name that is none."""
    if job.splitter in RULES:
        rule = RULES[job.splitter]
        return lambda items: [rule(item) for item in items]
    judge = build_split_judge(job)
    return lambda items: ask_splitter(judge, items, on_progress)


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
        max_tokens=job.max_tokens,
        prices=job.prices,
        endpoint=job.endpoint,
        offline=offline,
    )


def build_labeller(job: ClaimsJob) -> Labeller:
    """Who looks at the pictures; a model is loaded when it is first asked. Raises as `build_judge`."""
    kind = job.labeller.partition(":")[0]
    judge = Judge(
        build_label_backend(job, kind),
        VerdictCache(job.cache_file),
        parameters=Parameters(max_pixels=job.max_pixels),
        attempts=job.attempts,
        max_tokens=job.max_tokens,
        prices=load_prices(job.prices),
    )
    if kind != "local":
        return Labeller(judge, LABEL)
    default = "" if job.splitter == "world" else LABEL_SUFFIX
    return Labeller(judge, PLAIN_LABEL, default if job.suffix is None else job.suffix)


def build_label_backend(job: ClaimsJob, kind: str) -> Backend:
    """Who replies to the labeller's questions; what a model loaded here needs is imported here."""
    if kind == "openai":
        return EndpointLabeller(job.labeller, job.endpoint)
    if kind == "local" and job.labeller != "local:":
        from errata.feedback.local import LocalLabeller

        return LocalLabeller(job.labeller, max_pixels=job.max_pixels)
    return build_backend(job.labeller)
