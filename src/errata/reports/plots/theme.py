"""One look for every figure: two palettes, quiet axes, and marks that differ in shape as well as in colour."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

DPI = 160
LONGEST_NAME = 30


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a figure; `page` is the report's own paper, so that a figure has no visible edge."""

    page: str
    ink: str
    muted: str
    rule: str
    before: str
    after: str
    others: tuple[str, ...]


LIGHT = Palette(
    "#fffdf9", "#1f1c18", "#6d665c", "#e4ddd1", "#b4532a", "#0f6f6a", ("#5b5ea6", "#8a6d1d", "#8c3f78", "#4d6b35")
)
DARK = Palette(
    "#1e1c19", "#ece7de", "#a39b8f", "#38342e", "#e8956b", "#5cc4ba", ("#a3a6e8", "#d9b95c", "#d78fc4", "#a4c886")
)

SHAPES = ("o", "o", "s", "D", "^", "v")
"""One marker per stage: the first is drawn hollow, the second filled."""


@contextmanager
def build_theme(palette: Palette) -> Iterator[None]:
    """Draw with this palette. Names from results are never read as formulas, and odd letters only lose their glyph."""
    import matplotlib

    settings = {
        "font.size": 10,
        "text.parse_math": False,
        "text.color": palette.ink,
        "axes.labelcolor": palette.muted,
        "axes.edgecolor": palette.rule,
        "axes.facecolor": palette.page,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "figure.facecolor": palette.page,
        "figure.constrained_layout.use": True,
        "grid.color": palette.rule,
        "grid.linewidth": 0.8,
        "xtick.color": palette.muted,
        "ytick.color": palette.muted,
        "legend.frameon": False,
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def build_figure(width: float, height: float, columns: int = 1, **options: Any) -> tuple[Any, list[Any]]:
    """A figure of the size in inches with one row of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False, **options)[0]
    for ax in axes:
        quiet(ax)
    return figure, list(axes)


def quiet(ax: Any, grid: str = "x") -> None:
    """Leave only what carries the reading: the grid across the values, behind the marks."""
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_axisbelow(True)
    ax.grid(False)
    ax.grid(True, axis=grid)


def short(name: str) -> str:
    """A name that leaves room for the figure."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def stage_style(number: int, palette: Palette) -> dict[str, Any]:
    """Marker of the stage with this number: hollow before, filled after, other shapes for what is compared."""
    colors = (palette.before, palette.after, *palette.others)
    color = colors[number % len(colors)]
    shape = SHAPES[number % len(SHAPES)]
    return {"marker": shape, "markersize": 8, "color": color, "mfc": palette.page if number == 0 else color, "mew": 2}


def png_bytes(figure: Any) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
