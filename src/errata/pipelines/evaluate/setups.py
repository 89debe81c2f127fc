"""What a user says about data -> what each benchmark is told, and what it asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from errata.benchmarks import AnnotatedImage, Benchmark, Mode, Setup, find_data, read_annotations
from errata.records import Question


class Told(Protocol):
    """What settings say about data, whichever verb they are of."""

    @property
    def annotations(self) -> Path | None:
        """Annotated images."""

    @property
    def data(self) -> Path | None:
        """Official files."""

    @property
    def vocabulary(self) -> Path | None:
        """Object names."""

    @property
    def mode(self) -> Mode:
        """How answers are read."""

    @property
    def image_root(self) -> Path | None:
        """Where image paths start."""


def build_setups(settings: Told, benchmarks: Sequence[Benchmark[Any]], model: str, seed: int) -> dict[str, Setup]:
    """What each benchmark is told. Raises DataError for annotations or a folder that cannot be used."""
    images: list[AnnotatedImage] | None = None
    if settings.annotations is not None:
        images = read_annotations(settings.annotations)
    return {
        one.card.name: Setup(
            mode=settings.mode,
            data=find_data(one.card.name, settings.data),
            annotations=images,
            vocabulary=settings.vocabulary,
            seed=seed,
            model=model,
            image_root=_find_root(settings, find_data(one.card.name, settings.data)),
        )
        for one in benchmarks
    }


def load_questions(benchmark: Benchmark[Any], setup: Setup) -> list[Question]:
    """What a benchmark asks."""
    return [benchmark.prompt(row) for row in benchmark.load(setup)]


def _find_root(settings: Told, data: Path | None) -> Path | None:
    """Where a benchmark's images lie: as told, else beside its annotations, else beside its official files."""
    if settings.image_root is not None:
        return settings.image_root
    return settings.annotations.parent if settings.annotations is not None else data
