"""The visible table of figures, and drawing them into a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.records import replacing
from errata.reports.plots.outcome import draw_before_after, draw_objects, draw_pope
from errata.reports.plots.theme import DARK, LIGHT, Palette, png_bytes, themed
from errata.reports.plots.training import draw_methods, draw_scaling, draw_training
from errata.reports.results import Results

Draw = Callable[[Results, Palette], Any | None]

FIGURES: dict[str, tuple[Draw, str]] = {
    "before_after": (
        draw_before_after,
        "Descriptions before and after, with 95 % intervals. CHAIR should fall; recall and truthful words should stay.",
    ),
    "objects": (draw_objects, "Which objects were made up, and in how many descriptions."),
    "pope": (draw_pope, "Yes/no questions by the way absent objects were chosen. Half of the answers should be yes."),
    "methods": (draw_methods, "Hallucination against recall for every method that was compared, with 95 % intervals."),
    "training": (
        draw_training,
        "Training by step: each step's value thin, a centred mean over nine logged steps bold.",
    ),
    "scaling": (draw_scaling, "What more corrections bought: CHAIR_s and its 95 % interval by corrections used."),
}
"""File name -> how it is drawn, and the caption under it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn figure: its caption and the PNG files for light and dark pages."""

    name: str
    caption: str
    light: bytes
    dark: bytes


def draw_figures(results: Results, folder: Path) -> dict[str, Figure]:
    """Draw every figure that the results have numbers for, as `NAME.png` and `NAME-dark.png`.

    Raises:
        StorageError: The folder cannot be written.
    """
    figures = {}
    for name, (draw, caption) in FIGURES.items():
        light, dark = _draw(draw, results, LIGHT), _draw(draw, results, DARK)
        if light is not None and dark is not None:
            for file, data in ((f"{name}.png", light), (f"{name}-dark.png", dark)):
                with replacing(folder / file) as temporary:
                    temporary.write_bytes(data)
            figures[name] = Figure(name, caption, light, dark)
    return figures


def _draw(draw: Draw, results: Results, palette: Palette) -> bytes | None:
    with themed(palette):
        figure = draw(results, palette)
        return None if figure is None else png_bytes(figure)
