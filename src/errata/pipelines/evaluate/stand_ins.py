"""Benchmarks -> synthetic stand-ins for those of their images that are not at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from errata.benchmarks import Mode, build_benchmarks, write_stand_ins
from errata.pipelines.evaluate.setups import build_setups, load_questions


@dataclass(frozen=True, slots=True)
class StandInSettings:
    """Whose images, and where they go; everything else as `EvaluationSettings` has it."""

    benchmarks: tuple[str, ...]
    image_root: Path
    annotations: Path | None = None
    mode: Mode = "strict"
    vocabulary: Path | None = None
    data: Path | None = None
    options: tuple[str, ...] = ()
    seed: int = 0


def fill_images(settings: StandInSettings) -> dict[str, int]:
    """Write a stand-in for every image that `evaluate` with the same settings would miss.

    Returns:
        Per benchmark how many were drawn; one that two benchmarks ask about counts for the first.

    Raises:
        ConfigError: An unknown benchmark or option.
        DataError: Files that cannot be used.
        StorageError: The image root cannot be written.
    """
    benchmarks = build_benchmarks(settings.benchmarks, settings.options)
    setups = build_setups(settings, benchmarks, "", settings.seed)
    drawn = {}
    for one in benchmarks:
        name = one.card.name
        drawn[name] = len(write_stand_ins(load_questions(one, setups[name]), settings.image_root))
    return drawn
