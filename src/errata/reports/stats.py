"""The counts of a file of records as a table for the terminal and as one page that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from errata.errors import count_noun
from errata.reports.page import TEMPLATES, build_environment, build_policy, find_figure
from errata.reports.plots import STATS_FIGURES, draw_table
from errata.storage import write_text
from errata.text import make_printable

MOST_ROWS = 12
"""Values of a count that are listed; a file may have as many sources as records."""

QUANTILES = ("mean", "least", "p10", "median", "p90", "most")


def render_stats_table(stats: dict[str, Any]) -> str:
    """Counts as aligned plain text.

    Args:
        stats: What `collect_stats` of `errata.data.shaping` gave.
    """
    blocks = ["  ".join(f"{name} {format_count(value)}" for name, value in stats["totals"].items())]
    for name, rows in list_counts(stats).items():
        lines = [f"  {_plain(value):<32}{count:>12}{share:>9}" for value, count, share in rows]
        blocks.append("\n".join([name, *lines]))
    numbers = list_numbers(stats)
    if numbers:
        head = f"{'numbers':<34}{'n':>9}" + "".join(f"{quantile:>9}" for quantile in QUANTILES)
        blocks.append(
            "\n".join([head, *(f"  {row[0]:<32}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in numbers)])
        )
    return "\n\n".join(blocks) + "\n"


def render_stats_page(stats: dict[str, Any], out: Path, *, title: str) -> Path:
    """Draw the plots under `out`/plots and write `out`/stats.html.

    Args:
        stats: What `collect_stats` of `errata.data.shaping` gave.
        out: The folder to write.
        title: Of the page.

    Raises:
        StorageError: The folder cannot be written.
    """
    figures = draw_table(STATS_FIGURES, stats, out / "plots")
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = build_environment().get_template("stats.html.jinja")
    page = template.render(
        title=title,
        css=Markup(css),
        policy=build_policy(css),
        figure=find_figure(figures),
        figures=list(figures),
        totals={name: format_count(value) for name, value in stats["totals"].items()},
        counts=list_counts(stats),
        numbers=list_numbers(stats),
        quantiles=QUANTILES,
        image=None,
        kinds={},
        kinds_used=[],
    )
    path = out / "stats.html"
    write_text(path, page)
    return path


def list_counts(stats: dict[str, Any]) -> dict[str, list[tuple[str, str, str]]]:
    """Name -> (value, how often, share) of the most frequent values; the others together as one."""
    tables = {}
    for name, counts in stats["counts"].items():
        total = sum(counts.values())
        rows = list(counts.items())
        if len(rows) > MOST_ROWS:
            others = sum(count for _, count in rows[MOST_ROWS:])
            rows = [*rows[:MOST_ROWS], (count_noun(len(rows) - MOST_ROWS, "other"), others)]
        if rows:
            tables[name] = [(value, format_count(count), f"{100 * count / total:.1f} %") for value, count in rows]
    return tables


def list_numbers(stats: dict[str, Any]) -> list[list[str]]:
    """Name, count and quantiles of every number that occurs."""
    return [
        [name, format_count(found["count"]), *(format_decimal(found[quantile]) for quantile in QUANTILES)]
        for name, found in stats["numbers"].items()
        if found["count"]
    ]


def format_count(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}"


def format_decimal(value: float) -> str:
    """A number with as many digits as tell something."""
    return (
        f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 10 else f"{value:,.2f}".rstrip("0").rstrip(".")
    )


def _plain(text: str) -> str:
    """A value on one line, without characters that steer a terminal."""
    shown = make_printable(text).replace("\n", "\\n")
    return shown if len(shown) <= 30 else f"{shown[:29]}…"
