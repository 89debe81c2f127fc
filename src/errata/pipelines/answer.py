"""A model and a file of questions -> a file of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from errata.errors import ConfigError, DataError, ErrataError, ModelError
from errata.generation import (
    Answered,
    ChatClient,
    Check,
    EndpointSettings,
    GenerationSettings,
    OnAnswers,
    ask_endpoint,
    generate,
    is_endpoint,
    parse_endpoint,
    repeat_questions,
    write_failures,
)
from errata.models import LIMITS, LoadedModel, ModelSettings, PixelCache, load_model
from errata.pipelines.best_of import BestAnswerer, BestOf, refuse_endpoint
from errata.records import Answer, Missing, Question, count_reasons, read_questions, remove_file
from errata.text import require_plain_question

Ask = Callable[[Sequence[Question], Path], list[Answer]]
"""Questions and the file that their answers are kept in -> the answers there are, in the order of the questions. Some
may fail, which `FILE.failed.jsonl` then names."""


class OnProgress(Protocol):
    """Called with what is being done, how much of it is done, of how much, and the tokens written for it so far."""

    def __call__(self, what: str, done: int, total: int, tokens: int = 0, /) -> None:
        """Show it."""


def name_progress(on_progress: OnProgress | None, where: str) -> OnProgress | None:
    """The same progress with the place in front."""
    if on_progress is None:
        return None
    return lambda what, done, total, tokens=0: on_progress(f"{where}: {what}", done, total, tokens)


def answer_file(
    model: str,
    questions: str | Path,
    out: str | Path,
    *,
    image_root: str | Path | None = None,
    settings: GenerationSettings | None = None,
    endpoint: EndpointSettings | None = None,
    samples: int = 1,
    best_of: BestOf | None = None,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> Answered:
    """Let a model answer a file of questions; answers that `out` holds already are kept.

    Args:
        model: A checkpoint folder, a PEFT adapter folder, a Hub name, `BASE+ADAPTER` or `openai:MODEL@URL,URL`.
        questions: JSON lines of questions.
        out: The JSON lines of answers, which grow as the run goes on.
        image_root: Where relative image paths start; None is the folder of the questions.
        settings: How answers are drawn.
        endpoint: How hard an endpoint is asked.
        samples: How many answers to each question, under the ids `ID#1`, `ID#2`, … where it is more than one.
        best_of: Answer with the best of several samples; all of them are kept beside `out`.
        fresh: Start over even where `out` holds answers.
        on_progress: Told about every batch, or every answer of an endpoint.

    Returns:
        The answers, and why others are missing: a question whose image does not open, that holds another tool's markup,
        or that the model cannot be asked, costs no other.

    Raises:
        DataError: Questions that cannot be read, or none that can be answered.
        ModelError: A model that cannot be loaded.
        ConfigError: `out` holds the answers of another run, an endpoint is misnamed or lacks its key, or one was to
            answer with the best of several samples.
        StorageError: `out` cannot be written.
    """
    settings = settings or GenerationSettings()
    if best_of is not None and samples != 1:
        fix = "leave samples out: all that the best is chosen of are kept too"
        raise ConfigError("samples", expected="1 beside best_of", found=str(samples), fix=fix)
    asked = repeat_questions(read_questions(questions), samples, settings)
    if not asked:
        raise DataError(str(questions), expected="questions", found="an empty file", fix="write one a line")
    answer = _load(model, image_root or Path(questions).parent, settings, endpoint, best_of, require_plain_question)
    if fresh:
        remove_file(out)
    return answer(asked, Path(out), on_progress)


def load_answerer(
    model: str,
    image_root: str | Path,
    settings: GenerationSettings | None = None,
    on_progress: OnProgress | None = None,
    endpoint: EndpointSettings | None = None,
    best_of: BestOf | None = None,
    check: Check | None = require_plain_question,
) -> Ask:
    """Load a model once, to answer several sets of questions about images below `image_root`.

    A question that `check` refuses has no answer, as one whose image does not open; None asks all as they are.
    Takes every kind of model that `answer_file` takes, and raises what it raises about them.
    """
    answer = _load(model, image_root, settings or GenerationSettings(), endpoint, best_of, check)

    def ask(questions: Sequence[Question], out: Path) -> list[Answer]:
        return answer(questions, out, on_progress).answers

    return ask


_Answer = Callable[[Sequence[Question], Path, OnProgress | None], Answered]


def _load(
    model: str,
    image_root: str | Path,
    settings: GenerationSettings,
    endpoint: EndpointSettings | None,
    best_of: BestOf | None,
    check: Check | None,
) -> _Answer:
    if best_of is not None:
        refuse_endpoint(model)
        repeat_questions((), best_of.count, settings)  # refuses what cannot be drawn before a model is loaded
        return _answer_best(_load_here(model, settings), best_of, image_root, settings, check)
    if not is_endpoint(model):
        return _answer_locally(_load_here(model, settings), image_root, settings, check)
    client = ChatClient(parse_endpoint(model), endpoint)

    def answer(questions: Sequence[Question], out: Path, on_progress: OnProgress | None) -> Answered:
        shown = _show(on_progress, out.stem)
        return ask_endpoint(client, questions, settings, image_root=image_root, out=out, on_progress=shown, check=check)

    return answer


def _answer_locally(
    loaded: LoadedModel, image_root: str | Path, settings: GenerationSettings, check: Check | None
) -> _Answer:
    pixels = PixelCache(loaded.adapter, image_root)

    def answer(questions: Sequence[Question], out: Path, on_progress: OnProgress | None) -> Answered:
        failures = Failures()
        found = generate(
            loaded,
            questions,
            settings,
            image_root=image_root,
            out=out,
            pixels=pixels,
            on_progress=_show(on_progress, out.stem),
            on_encoded=partial(on_progress, f"{out.stem}: questions") if on_progress else None,
            on_failure=failures.add,
            check=check,
        )
        return failures.finish(found, out)

    return answer


def _answer_best(
    loaded: LoadedModel,
    best_of: BestOf,
    image_root: str | Path,
    settings: GenerationSettings,
    check: Check | None,
) -> _Answer:
    best = BestAnswerer(loaded, best_of, settings, image_root, check)

    def answer(questions: Sequence[Question], out: Path, on_progress: OnProgress | None) -> Answered:
        on_samples, on_rewards = (_show(on_progress, f"{out.stem}: {what}") for what in ("samples", "rewards"))
        failures = Failures()
        found = best.answer(questions, out, on_samples, on_rewards, failures.add)
        return failures.finish(found, out)

    return answer


class Failures:
    """Questions that a model loaded here could not be asked, or that failed under way."""

    def __init__(self) -> None:
        self._errors: dict[str, Exception] = {}

    def add(self, name: str, error: Exception) -> None:
        """Note a question and why it has no answer."""
        self._errors[name] = error

    def finish(self, answers: list[Answer], out: Path) -> Answered:
        """The answers and the reasons, which `OUT.failed.jsonl` holds too.

        Raises:
            Exception: The first failure, where no question got an answer: it is none of a single one.
        """
        if self._errors and not answers:
            raise next(iter(self._errors.values()))
        missing = {name: _describe(error) for name, error in self._errors.items()}
        write_failures(out, missing)
        reasons = count_reasons(Missing(name, "no answer", reason) for name, reason in missing.items())
        return Answered(answers, missing, reasons)


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, ErrataError) else f"{type(error).__name__}: {str(error).strip()[:200]}"


def _show(on_progress: OnProgress | None, what: str) -> OnAnswers | None:
    return partial(on_progress, what) if on_progress else None


def build_model_settings(model: str, settings: GenerationSettings) -> ModelSettings:
    """A model that is asked with these settings: what they say of pictures and thoughts holds, not what it was saved
    with."""
    stated = {name: getattr(settings, name) for name in ("image_mode", "thinking", *LIMITS)}
    return ModelSettings(model, **{name: value for name, value in stated.items() if value is not None})


def _load_here(model: str, settings: GenerationSettings) -> LoadedModel:
    """Load the model with the images of the settings, told whether to think."""
    try:
        return load_model(build_model_settings(model, settings))
    except ModelError as error:
        if error.code != "image-mode":
            raise
        fix = "state beams and lengths of the protocol one by one; its images are made for LLaVA-1.5"
        raise ModelError(model, expected=error.expected, found=f"image_mode {error.found}", fix=fix) from None
