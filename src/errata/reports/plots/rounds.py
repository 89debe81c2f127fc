"""The curve of an alignment that goes round: the decisive metric by round, and every checkpoint that was measured."""

from __future__ import annotations

from typing import Any

from errata.reports.names import metric_text
from errata.reports.plots.theme import Palette, build_figure, quiet, stage_style
from errata.reports.results import Results, RoundPoint
from errata.reports.wording import scaled

SPREAD = 0.5
"""How far apart the checkpoints of a round stand at most, in rounds."""


def draw_rounds(results: Results, palette: Palette) -> Any | None:
    """Each round's best checkpoint with its interval as one line; the others, in the order of training, as rings."""
    points = [point for point in results.rounds if point.value.value is not None]
    best = sorted((point for point in points if point.best), key=lambda point: point.round)
    if len(best) < 2:
        return None
    figure, (ax,) = build_figure(9.6, 3.6)
    quiet(ax, "y")
    places = _place(points)
    others = [point for point in points if not point.best]
    rings = {"marker": "o", "markersize": 6, "mfc": palette.page, "mec": palette.muted, "linestyle": "none"}
    if others:
        xs, ys = [places[id(one)] for one in others], [_value(one) for one in others]
        ax.plot(xs, ys, label="other checkpoints", zorder=2, **rings)
    xs, ys = [places[id(one)] for one in best], [_value(one) for one in best]
    style = stage_style(1, palette) | {"linewidth": 2, "elinewidth": 2, "capsize": 0, "zorder": 3}
    ax.errorbar(xs, ys, yerr=_spread_rounds(best), label="best of its round", **style)
    ax.set_xticks([one.round for one in best], ["start", *(f"round {one.round}" for one in best[1:])])
    ax.tick_params(axis="x", labelcolor=palette.ink)
    benchmark, _, metric = best[0].name.partition(".")
    label = metric_text(benchmark, metric).label
    ax.set_title(f"{label}, %" if best[0].value.unit == "share" else label)
    ax.set_ylim(bottom=min(0, *ys))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2, handletextpad=0.3)
    return figure


def _place(points: list[RoundPoint]) -> dict[int, float]:
    """Checkpoints of a round stand beside one another, in their order, around its number."""
    rounds: dict[int, list[RoundPoint]] = {}
    for point in points:
        rounds.setdefault(point.round, []).append(point)
    places = {}
    for number, members in rounds.items():
        for place, member in enumerate(members):
            share = place / (len(members) - 1) - 0.5 if len(members) > 1 else 0.0
            places[id(member)] = number + SPREAD * share
    return places


def _value(point: RoundPoint) -> float:
    return scaled(point.value.value or 0, point.value.unit)


def _spread_rounds(points: list[RoundPoint]) -> list[list[float]]:
    ends = [(p, p.value.low, p.value.high) for p in points]
    low = [max(_value(p) - scaled(at, p.value.unit), 0) if at is not None else 0 for p, at, _ in ends]
    high = [max(scaled(at, p.value.unit) - _value(p), 0) if at is not None else 0 for p, _, at in ends]
    return [low, high]
