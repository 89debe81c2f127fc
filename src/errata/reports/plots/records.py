"""What a file of records holds: types, lengths, edits, sources.

A study on the synthetic world: CHAIR_s by condition, each seed as a dot, the mean with its interval over them.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from errata.reports.plots.theme import Palette, build_figure, quiet, short, stage_style

MOST_BARS = 12
BINS = 30


def draw_types(stats: dict[str, Any], palette: Palette) -> Any | None:
    """Segments by type."""
    return _draw_bars(stats, {"segment type": "segments"}, palette)


def draw_sources(stats: dict[str, Any], palette: Palette) -> Any | None:
    """Records by source, and by how many levels they have."""
    return _draw_bars(stats, {"source": "records by source", "levels per record": "records by levels"}, palette)


def draw_lengths(stats: dict[str, Any], palette: Palette) -> Any | None:
    """The words of the best responses and of the worse ones, as shares of each, and the difference within records."""
    best, worse = (stats["numbers"][f"words of {name}"] for name in ("the best response", "worse responses"))
    difference = stats["numbers"]["words more in the best response"]
    if not best["count"]:
        return None
    figure, axes = build_figure(9.6, 3.4, 2)
    groups = [(best, "best", palette.after), (worse, "worse", palette.before)]
    _draw_histograms(axes[0], [group for group in groups if group[0]["count"]], "words")
    if difference["count"]:
        _draw_histograms(axes[1], [(difference, "", palette.after)], "words more in the best response")
        axes[1].axvline(0, color=palette.muted, linewidth=1, linestyle=(0, (4, 4)))
    axes[1].set_visible(bool(difference["count"]))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure


def draw_edits(stats: dict[str, Any], palette: Palette) -> Any | None:
    """Edit ratios and segments of worse responses."""
    ratio, segments = stats["numbers"]["edit ratio"], stats["numbers"]["segments per worse response"]
    if not ratio["count"]:
        return None
    figure, axes = build_figure(9.6, 3.2, 2)
    _draw_histograms(axes[0], [(ratio, "", palette.before)], "share of the text that was changed")
    _draw_histograms(axes[1], [(segments, "", palette.before)], "segments per worse response")
    return figure


def _draw_bars(stats: dict[str, Any], tables: dict[str, str], palette: Palette) -> Any | None:
    """Bars of one or more tables side by side, the most frequent first."""
    shown = {title: list(stats["counts"][name].items())[:MOST_BARS] for name, title in tables.items()}
    shown = {title: rows for title, rows in shown.items() if rows}
    if not shown:
        return None
    figure, axes = build_figure(9.6, 1.1 + 0.32 * max(map(len, shown.values())), len(shown))
    for ax, (title, rows) in zip(axes, shown.items(), strict=True):
        places = range(len(rows))
        ax.barh(places, [count for _, count in rows], height=0.62, color=palette.before)
        ax.set_yticks(places, [short(name) for name, _ in rows])
        ax.tick_params(axis="y", labelcolor=palette.ink)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_title(title[0].upper() + title[1:])
        for place, (_, count) in zip(places, rows, strict=True):
            ax.annotate(f"{count:,}", (count, place), (5, 0), textcoords="offset points", va="center", fontsize=9)
        ax.margins(x=0.14)
    return figure


def _draw_histograms(ax: Any, groups: list[tuple[dict[str, Any], str, str]], label: str) -> None:
    """Shares of each group by value, as steps over the same bins; the last one per cent at the top is cut off."""
    low = min(group["least"] for group, _, _ in groups)
    high = max(_find_high(group) for group, _, _ in groups)
    width = (high - low) / BINS or 1
    if whole := all(float(value).is_integer() for group, _, _ in groups for value, _ in group["values"]):
        width = max(1, round(width))
        low -= 0.5  # a bar stands around its whole number
    edges = [low + width * step for step in range(int((high - low) / width) + 2)]
    for group, name, color in groups:
        values, counts = zip(*group["values"], strict=True)
        weights = [100 * count / group["count"] for count in counts]
        style = {"histtype": "stepfilled", "alpha": 0.25, "color": color}
        ax.hist(values, edges, weights=weights, **style)
        ax.hist(values, edges, weights=weights, histtype="step", color=color, linewidth=1.6, label=name or None)
    quiet(ax, "y")
    ax.yaxis.get_major_locator().set_params(integer=True)
    if whole:
        ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(label)
    ax.set_title("Share, %")


def _find_high(group: dict[str, Any]) -> float:
    """The number that 99 per cent do not exceed."""
    passed = accumulate(count for _, count in group["values"])
    pairs = zip(group["values"], passed, strict=True)
    return float(next(value for (value, _), done in pairs if done >= 0.99 * group["count"]))


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
