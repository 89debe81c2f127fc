"""Questions to a model that is loaded here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from errata.errors import ErrataError, ModelError
from errata.generation import Answered, Check, GenerationSettings, write_failures
from errata.generation.local import generate
from errata.images import LIMITS
from errata.models import LoadedModel, ModelSettings, PixelCache, load_model
from errata.pipelines.answering.answer import BestOf
from errata.pipelines.answering.best_answerer import BestAnswerer
from errata.pipelines.progress import OnProgress, watch
from errata.records import Answer, Missing, Question, count_reasons

_Answer = Callable[[Sequence[Question], Path, OnProgress | None], Answered]


def answer_locally(
    loaded: LoadedModel, image_root: str | Path, settings: GenerationSettings, check: Check | None
) -> _Answer:
    """Ask the model itself; what fails of a question costs no other."""
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
            on_progress=watch(on_progress, out.stem),
            on_encoded=partial(on_progress, f"{out.stem}: questions") if on_progress else None,
            on_failure=failures.add,
            check=check,
        )
        return failures.finish(found, out)

    return answer


def answer_best(
    loaded: LoadedModel,
    best_of: BestOf,
    image_root: str | Path,
    settings: GenerationSettings,
    check: Check | None,
) -> _Answer:
    """Let the model choose among its own samples."""
    best = BestAnswerer(loaded, best_of, settings, image_root, check)

    def answer(questions: Sequence[Question], out: Path, on_progress: OnProgress | None) -> Answered:
        on_samples, on_rewards = (watch(on_progress, f"{out.stem}: {what}") for what in ("samples", "rewards"))
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


def build_model_settings(model: str, settings: GenerationSettings) -> ModelSettings:
    """A model that is asked with these settings: what they say of pictures and thoughts holds, not what it was saved
    with."""
    stated = {name: getattr(settings, name) for name in ("image_mode", "thinking", *LIMITS)}
    return ModelSettings(model, **{name: value for name, value in stated.items() if value is not None})


def load_here(model: str, settings: GenerationSettings) -> LoadedModel:
    """Load the model with the images of the settings, told whether to think."""
    try:
        return load_model(build_model_settings(model, settings))
    except ModelError as error:
        if error.code != "image-mode":
            raise
        fix = "state beams and lengths of the protocol one by one; its images are made for LLaVA-1.5"
        raise ModelError(model, expected=error.expected, found=f"image_mode {error.found}", fix=fix) from None
