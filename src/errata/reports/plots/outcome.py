"""Before and after: the CHAIR metrics, POPE by setting, and which objects were made up."""

from __future__ import annotations

from collections import Counter
from typing import Any

from errata.records import BenchmarkResult, Metric
from errata.reports.plots.theme import Palette, build_figure, quiet, short, stage_style
from errata.reports.results import Results, Stage
from errata.reports.wording import format_number, metric_text, scaled

POPE_SETTINGS = ("random", "popular", "adversarial")
SHOWN_OBJECTS = 14


def draw_before_after(results: Results, palette: Palette) -> Any | None:
    """Every CHAIR metric before and after with its interval, shares on one axis and words on another."""
    stages = [stage for stage in (results.before, results.after) if stage]
    given = _metrics(results.before, "chair")
    panels = [[name for name in given if (given[name].unit == "share") == share] for share in (True, False)]
    panels = [names for names in panels if names]
    if not panels:
        return None
    rows = max(len(names) for names in panels)
    widths = [1.5 if given[names[0]].unit == "share" else 1 for names in panels]
    figure, axes = build_figure(9.6, 1.35 + 0.62 * rows, len(panels), width_ratios=widths)
    for ax, names in zip(axes, panels, strict=True):
        _metric_rows(ax, stages, names, palette)
        ax.set_ylim(rows - 0.45, -0.55)
        ax.set_title("Share, %" if given[names[0]].unit == "share" else "Per description")
    _legend(figure, axes[0], len(stages))
    return figure


def _metric_rows(ax: Any, stages: list[Stage], names: list[str], palette: Palette) -> None:
    """One row per metric; its stages stand under one another, so that close values do not hide each other."""
    for row, name in enumerate(names):
        for number, stage in enumerate(stages):
            metric = _present(stage, "chair", name)
            if metric:
                y = row + 0.19 * (2 * number - len(stages) + 1)
                _point(ax, metric, y, stage_style(number, palette), short(stage.label) if row == 0 else None)
    ax.set_yticks(range(len(names)), [metric_text("chair", name).label for name in names])
    ax.tick_params(axis="y", labelcolor=palette.ink)
    ax.margins(x=0.16)
    ax.set_xlim(left=0)


def _point(ax: Any, metric: Metric, y: float, style: dict[str, Any], label: str | None) -> None:
    x, low, high = (
        scaled(v if v is not None else metric.value or 0, metric.unit) for v in (metric.value, metric.low, metric.high)
    )
    spread = [[max(x - low, 0)], [max(high - x, 0)]]
    ax.errorbar([x], [y], xerr=spread, elinewidth=2, capsize=0, linestyle="none", label=label, zorder=3, **style)
    text, place = format_number(metric.value, metric.unit), (max(x, high), y)
    ax.annotate(text, place, (8, 0), textcoords="offset points", va="center", fontsize=9.5, color=style["color"])


def draw_pope(results: Results, palette: Palette) -> Any | None:
    """Accuracy, F1 and the share of yes by POPE setting, before beside after."""
    settings = [name for name in POPE_SETTINGS if f"pope_{name}" in results.before.benchmarks]
    if not settings:
        return None
    stages = [stage for stage in (results.before, results.after) if stage]
    figure, axes = build_figure(9.6, 3.5, 3)
    for ax, name in zip(axes, ("accuracy", "f1", "yes_share"), strict=True):
        quiet(ax, "y")
        for number, stage in enumerate(stages):
            _pope_line(ax, stage, name, settings, number, palette, shift=0.14 * (number - (len(stages) - 1) / 2))
        label = metric_text("pope_random", name).label
        ax.set_title(f"{label[0].upper()}{label[1:]}, %")
        ax.set_xticks(range(len(settings)), settings)
        ax.tick_params(axis="x", labelcolor=palette.ink)
        ax.set_xlim(-0.5, len(settings) - 0.5)
        _limit_share(ax)
    axes[2].axhline(50, color=palette.muted, linewidth=1, linestyle=(0, (4, 4)), zorder=1)
    _legend(figure, axes[0], len(stages))
    return figure


def _limit_share(ax: Any) -> None:
    """Shares stay between 0 and 100, and equal ones do not fill the axis with hundredths."""
    low, high = ax.get_ylim()
    span = max(high - low, 4)
    low = max((low + high - span) / 2, -0.06 * span)
    ax.set_ylim(low, min(low + span, 100 + 0.06 * span))


def _pope_line(
    ax: Any, stage: Stage, name: str, settings: list[str], number: int, palette: Palette, shift: float
) -> None:
    points = [(i + shift, _present(stage, f"pope_{setting}", name)) for i, setting in enumerate(settings)]
    found = [(x, metric) for x, metric in points if metric]
    values = [scaled(metric.value or 0, metric.unit) for _, metric in found]
    low = [
        max(v - scaled(m.low, m.unit), 0) if m.low is not None else 0 for v, (_, m) in zip(values, found, strict=True)
    ]
    high = [
        max(scaled(m.high, m.unit) - v, 0) if m.high is not None else 0 for v, (_, m) in zip(values, found, strict=True)
    ]
    style = stage_style(number, palette)
    ax.plot([x for x, _ in found], values, color=style["color"], linewidth=1, alpha=0.45, zorder=2)
    options = {"elinewidth": 2, "capsize": 0, "linestyle": "none", "zorder": 3}
    ax.errorbar([x for x, _ in found], values, yerr=[low, high], label=short(stage.label), **options, **style)


def draw_objects(results: Results, palette: Palette) -> Any | None:
    """In how many descriptions each object was made up, the most frequent first."""
    stages = [stage for stage in (results.before, results.after) if stage and "chair" in stage.benchmarks]
    counts = [count_made_up(stage.benchmarks["chair"]) for stage in stages]
    names = [name for name, _ in sum(counts, Counter()).most_common()]
    names = sorted(names, key=lambda name: (-counts[0][name], name))[:SHOWN_OBJECTS]
    if not names:
        return None
    figure, (ax,) = build_figure(9.6, 1.3 + 0.3 * len(names))
    for row, name in enumerate(names):
        ends = [count[name] for count in counts]
        ax.plot([min(ends), max(ends)], [row, row], color=palette.rule, linewidth=5, solid_capstyle="round", zorder=1)
    for number, (stage, count) in enumerate(zip(stages, counts, strict=True)):
        style = stage_style(number, palette)
        style |= (
            {"markersize": 11, "mfc": "none", "zorder": 4} if number == 0 else {"zorder": 3}
        )  # a ring around an equal count
        ax.plot([count[name] for name in names], range(len(names)), linestyle="none", label=short(stage.label), **style)
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.tick_params(axis="y", labelcolor=palette.ink)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(left=-0.02 * max(max(count.values(), default=1) for count in counts))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("descriptions that name it although the image does not show it")
    _legend(figure, ax, len(stages))
    return figure


def count_made_up(result: BenchmarkResult) -> Counter[str]:
    """Object -> number of descriptions with a hallucinated mention of it. Items without mentions count nothing."""
    counts: Counter[str] = Counter()
    for item in result.items:
        mentions = item.get("mentions")
        usable = [m for m in mentions if isinstance(m, dict)] if isinstance(mentions, list) else []
        counts.update({str(m.get("object") or m.get("word")) for m in usable if m.get("hallucinated")})
    return counts


def _metrics(stage: Stage, benchmark: str) -> dict[str, Metric]:
    result = stage.benchmarks.get(benchmark)
    return {name: m for name, m in result.metrics.items() if m.value is not None} if result else {}


def _present(stage: Stage, benchmark: str, name: str) -> Metric | None:
    metric = stage.metric(benchmark, name)
    return metric if metric is not None and metric.value is not None else None


def _legend(figure: Any, ax: Any, columns: int) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, handletextpad=0.3, columnspacing=1.4)
