"""A model and a file of questions -> a file of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from errata.generation import GenerationSettings, generate, repeat_questions
from errata.models import ModelSettings, PixelCache, load_model
from errata.records import Answer, Question, read_questions, remove_file

Ask = Callable[[Sequence[Question], Path], list[Answer]]
"""Questions and the file that their answers are kept in -> an answer to each."""


class OnProgress(Protocol):
    """Called with what is being done, how much of it is done, of how much, and the tokens written for it so far."""

    def __call__(self, what: str, done: int, total: int, tokens: int = 0, /) -> None:
        """Show it."""


def answer_file(
    model: str,
    questions: str | Path,
    out: str | Path,
    *,
    image_root: str | Path | None = None,
    settings: GenerationSettings | None = None,
    samples: int = 1,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Answer]:
    """Let a model answer a file of questions; answers that `out` holds already are kept.

    Args:
        model: A checkpoint folder, a PEFT adapter folder, a Hub name or `BASE+ADAPTER`.
        questions: JSON lines of questions.
        out: The JSON lines of answers, which grow as the run goes on.
        image_root: Where relative image paths start; None is the folder of the questions.
        settings: How answers are drawn.
        samples: How many answers to each question, under the ids `ID#1`, `ID#2`, … where it is more than one.
        fresh: Start over even where `out` holds answers.
        on_progress: Told about every batch.

    Raises:
        DataError: Questions that cannot be read, or an image that does not open.
        ModelError: A model that cannot be loaded.
        ConfigError: `out` holds the answers of another run.
        StorageError: `out` cannot be written.
    """
    settings = settings or GenerationSettings()
    asked = repeat_questions(read_questions(questions), samples, settings)
    ask = load_answerer(model, image_root or Path(questions).parent, settings, on_progress)
    if fresh:
        remove_file(out)
    return ask(asked, Path(out))


def load_answerer(
    model: str,
    image_root: str | Path,
    settings: GenerationSettings | None = None,
    on_progress: OnProgress | None = None,
) -> Ask:
    """Load a model once, to answer several sets of questions about images below `image_root`."""
    settings = settings or GenerationSettings()
    loaded = load_model(ModelSettings(model, image_mode=settings.image_mode or "processor"))
    pixels = PixelCache(loaded.adapter, image_root)

    def ask(questions: Sequence[Question], out: Path) -> list[Answer]:
        return generate(
            loaded,
            questions,
            settings,
            image_root=image_root,
            out=out,
            pixels=pixels,
            on_progress=partial(on_progress, out.stem) if on_progress else None,
        )

    return ask
