"""A study on the synthetic world: CHAIR_s by condition, each seed as a dot, the mean with its interval over them."""

from __future__ import annotations

from typing import Any

from errata.reports.plots.theme import Palette, build_figure, stage_style

METRIC, BASE = "chair_s", "base_chair_s"


def draw_study(study: dict[str, Any], palette: Palette) -> Any | None:
    """One row a condition; the dashed line is the mean of the model before.

    Args:
        study: The content of `study.json`.
        palette: Of the figure.
    """
    rows = {name: row for name, row in study["conditions"].items() if METRIC in row}
    if not rows:
        return None
    figure, (ax,) = build_figure(9.6, 1.2 + 0.42 * len(rows))
    for number, row in enumerate(rows.values()):
        found = row[METRIC]
        ax.plot(_scale(found["values"]), [number] * len(found["values"]), **_dots(palette))
        style = stage_style(1, palette) | {"elinewidth": 2, "capsize": 0, "linestyle": "none", "zorder": 3}
        ax.errorbar([100 * found["mean"]], [number], xerr=_spread(found), **style)
        place = (100 * max(found["high"] or found["mean"], *found["values"]), number)
        text = {"textcoords": "offset points", "va": "center", "color": palette.after, "fontsize": 9.5}
        ax.annotate(f"{100 * found['mean']:.1f}", place, (9, 0), **text)
    _draw_base(ax, [row[BASE]["mean"] for row in rows.values() if BASE in row], palette)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.tick_params(axis="y", labelcolor=palette.ink)
    ax.set_ylim(len(rows) - 0.4, -0.8)
    ax.set_xlim(left=0)
    ax.set_title("CHAIR_s, %")
    return figure


def _spread(found: dict[str, Any]) -> list[list[float]] | None:
    if found["low"] is None:
        return None
    return [[100 * (found["mean"] - found["low"])], [100 * (found["high"] - found["mean"])]]


def _scale(values: list[float]) -> list[float]:
    return [100 * value for value in values]


def _dots(palette: Palette) -> dict[str, Any]:
    return {"marker": "o", "markersize": 4, "linestyle": "none", "color": palette.muted, "alpha": 0.55, "zorder": 2}


def _draw_base(ax: Any, values: list[float], palette: Palette) -> None:
    if not values:
        return
    mean = 100 * sum(values) / len(values)
    ax.axvline(mean, color=palette.before, linewidth=1.6, linestyle=(0, (5, 4)), zorder=1)
    text = {"textcoords": "offset points", "ha": "right", "va": "top", "color": palette.before, "fontsize": 9.5}
    ax.annotate(f"before {mean:.1f}", (mean, -0.75), (-5, -1), **text)
