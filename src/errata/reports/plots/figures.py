"""The visible table of figures, and drawing them into a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from errata.reports.plots.outcome import draw_before_after, draw_objects, draw_pope
from errata.reports.plots.records import draw_edits, draw_lengths, draw_sources, draw_study, draw_types
from errata.reports.plots.theme import DARK, LIGHT, Palette, build_theme, png_bytes
from errata.reports.plots.training import draw_methods, draw_rounds, draw_training
from errata.reports.results import Results
from errata.storage import replacing

Data = TypeVar("Data")
FigureTable = dict[str, tuple[Callable[[Data, Palette], Any | None], str]]
"""File name -> how it is drawn, and the caption under it."""

FIGURES: FigureTable[Results] = {
    "before_after": (
        draw_before_after,
        "Descriptions, with 95 % intervals. Less CHAIR is better where recall and truthful words stay.",
    ),
    "objects": (draw_objects, "Which objects were made up, and in how many descriptions."),
    "pope": (draw_pope, "Yes/no questions by the way absent objects were chosen. Half of the answers should be yes."),
    "methods": (draw_methods, "Hallucination against recall for every method that was compared, with 95 % intervals."),
    "training": (
        draw_training,
        "Training by step: each step's value thin, a centred mean over nine logged steps bold.",
    ),
    "rounds": (draw_rounds, "By round, with 95 % intervals; each round begins with the best checkpoint of the last."),
}
"""The figures of a run."""

STATS_FIGURES: FigureTable[dict[str, Any]] = {
    "types": (draw_types, "Segments by type: what the worse responses get wrong."),
    "lengths": (
        draw_lengths,
        "Words of the best and of worse responses, up to the 99th percentile. Longer best responses teach length.",
    ),
    "edits": (
        draw_edits,
        "How much of a worse response was changed, and in how many segments, up to the 99th percentile.",
    ),
    "sources": (draw_sources, "Where the records come from, and their levels."),
}
"""The figures of a file of records."""

STUDY_FIGURES: FigureTable[dict[str, Any]] = {
    "study": (draw_study, "CHAIR_s by condition: every seed, their mean and its 95 % interval."),
}
"""The figures of a study."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn figure: its caption and the PNG files for light and dark pages."""

    name: str
    caption: str
    light: bytes
    dark: bytes


def draw_figures(results: Results, folder: Path) -> dict[str, Figure]:
    """Draw every figure of a run that the results have numbers for; see `draw_table`."""
    return draw_table(FIGURES, results, folder)


def draw_table(table: FigureTable[Data], data: Data, folder: Path) -> dict[str, Figure]:
    """Draw every figure of a table that there are numbers for, as `NAME.png` and `NAME-dark.png`.

    Raises:
        StorageError: The folder cannot be written.
    """
    figures = {}
    for name, (draw, caption) in table.items():
        light, dark = _draw(draw, data, LIGHT), _draw(draw, data, DARK)
        if light is not None and dark is not None:
            for file, picture in ((f"{name}.png", light), (f"{name}-dark.png", dark)):
                with replacing(folder / file) as temporary:
                    temporary.write_bytes(picture)
            figures[name] = Figure(name, caption, light, dark)
    return figures


def _draw(draw: Callable[[Data, Palette], Any | None], data: Data, palette: Palette) -> bytes | None:
    with build_theme(palette):
        figure = draw(data, palette)
        return None if figure is None else png_bytes(figure)
