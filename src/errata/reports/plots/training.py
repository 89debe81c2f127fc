"""How training went, what several methods reached, and what more corrections bought.

The curve of an alignment that goes round: the decisive metric by round, and every checkpoint that was measured.
"""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from errata.records import Metric
from errata.reports.plots.theme import Palette, build_figure, quiet, short, stage_style
from errata.reports.results import Results, RoundPoint
from errata.reports.wording import metric_text, scaled

CURVES = {"loss": "Loss", "rewards/margins": "Reward margin", "rewards/accuracies": "Better answer ranked first, %"}
SMOOTHING = 9
"""Steps in the centred mean that is drawn over the raw line."""


def draw_training(results: Results, palette: Palette) -> Any | None:
    """Loss, reward margin and accuracy by step: the raw line thin, its centred mean bold."""
    curves = {name: _curve(results.training.get("log", []), name) for name in CURVES}
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if not curves:
        return None
    figure, axes = build_figure(9.6, 3.0, len(curves))
    for ax, (name, points) in zip(axes, curves.items(), strict=True):
        quiet(ax, "y")
        factor = 100 if name == "rewards/accuracies" else 1
        steps, values = [step for step, _ in points], [value * factor for _, value in points]
        ax.plot(steps, values, color=palette.after, linewidth=0.9, alpha=0.4)
        ax.plot(steps, _smooth(values), color=palette.after, linewidth=2.2, solid_capstyle="round")
        ax.set_title(CURVES[name])
        ax.set_xlabel("step")
    return figure


def _curve(log: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    rows = [(row.get("step"), row.get(name)) for row in log]
    return [(float(step), float(value)) for step, value in rows if _finite(step) and _finite(value)]


def _finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _smooth(values: list[float]) -> list[float]:
    half = min(SMOOTHING, len(values)) // 2
    windows = [values[max(i - half, 0) : i + half + 1] for i in range(len(values))]
    return [sum(window) / len(window) for window in windows]


def draw_methods(results: Results, palette: Palette) -> Any | None:
    """Every stage as a point of CHAIR_s against object recall: down and right is better."""
    placed = [(i, s, s.metric("chair", "recall"), s.metric("chair", "chair_s")) for i, s in enumerate(results.stages)]
    points = [(i, s, x, y) for i, s, x, y in placed if x and y and x.value is not None and y.value is not None]
    if len(results.stages) < 3 or len(points) < 2:
        return None
    figure, (ax,) = build_figure(9.6, 4.4)
    quiet(ax, "both")
    for number, stage, recall, chair_s in points:
        style = stage_style(number, palette) | {"elinewidth": 1.6, "capsize": 0, "linestyle": "none"}
        x, y = 100 * (recall.value or 0), 100 * (chair_s.value or 0)
        ax.errorbar([x], [y], xerr=_spread(recall), yerr=_spread(chair_s), label=short(stage.label), **style)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("object recall, % (further right: more of the image is described)")
    ax.set_ylabel("CHAIR_s, % (lower: fewer made up)")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=len(points), handletextpad=0.3)
    return figure


def _spread(metric: Metric) -> list[list[float]] | None:
    if metric.value is None or metric.low is None or metric.high is None:
        return None
    return [[max(metric.value - metric.low, 0) * 100], [max(metric.high - metric.value, 0) * 100]]


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
