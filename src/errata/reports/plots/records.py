"""What a file of records holds: types, lengths, edits, sources."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from errata.reports.plots.theme import Palette, build_figure, quiet, short

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
