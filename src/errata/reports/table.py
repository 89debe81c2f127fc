"""Results -> the table that a command prints: before, after, and the paired change with its interval."""

from __future__ import annotations

from typing import Any

from errata.records import BenchmarkResult, Metric
from errata.reports.reading import parse_results
from errata.reports.results import Difference, Results, Stage
from errata.reports.wording import (
    HARD_SPACE,
    MINUS,
    benchmark_label,
    format_interval,
    format_number,
    format_value,
    metric_text,
    sample_size,
    verdict,
)

COMPARED = (("chair", "chair_s"), ("chair", "chair_i"), ("chair", "recall"), ("chair", "words_truthful"))
COMPARED_POPE = (("pope_random", "f1"), ("pope_popular", "f1"), ("pope_adversarial", "f1"))


def render_table(results: dict[str, Any], *, tested: bool = False) -> str:
    """The before/after table as aligned plain text, and one line per method where several were compared.

    Args:
        results: A decoded `results.json`.
        tested: Print the p of every change too.

    Raises:
        DataError: A field has another type than the table needs.
    """
    parsed = parse_results(results)
    blocks = [_main_rows(parsed, tested)]
    if len(parsed.stages) > 2:
        blocks.append(_compared_rows(parsed))
    text = "\n\n".join(_align(rows) for rows in blocks)
    test = " p: paired randomisation test over images." if tested else ""
    return f"{text}\n\nBrackets: 95 % intervals; changes of shares in points, paired on the same items.{test}\n"


def _main_rows(results: Results, tested: bool) -> list[list[str]]:
    shown = [stage for stage in (results.before, results.after) if stage]
    rows = [
        ["", *(stage.label for stage in shown), *(["Change", *(["p"] if tested else []), ""] if results.after else [])]
    ]
    for benchmark, result in results.before.benchmarks.items():
        rows.append([_heading(benchmark, result)])
        for name, metric in result.metrics.items():
            cells = [_cell(stage.metric(benchmark, name)) for stage in shown]
            rows.append(
                [f"  {metric_text(benchmark, name).label}", *cells, *_change(results, benchmark, name, metric, tested)]
            )
    return rows


def _heading(benchmark: str, result: BenchmarkResult) -> str:
    n = sample_size(result)
    return _ascii(benchmark_label(benchmark, result.mode)) + (f" (n = {n})" if n else "")


def _change(results: Results, benchmark: str, name: str, metric: Metric, tested: bool) -> list[str]:
    if results.after is None:
        return []
    difference = results.difference(results.after, benchmark, name)
    p = ["" if difference.p is None else f"{difference.p:.3f}"] if tested else []
    return [_signed(difference, metric.unit), *p, verdict(difference, metric.better)]


def _compared_rows(results: Results) -> list[list[str]]:
    columns = [key for key in COMPARED + COMPARED_POPE if results.before.metric(*key)]
    rows = [["Compared", *(_column_name(*key) for key in columns)]]
    for stage in results.stages:
        rows.append([stage.label, *(_value(stage, *key) for key in columns)])
    return rows


def _column_name(benchmark: str, name: str) -> str:
    label = metric_text(benchmark, name).label
    return label if benchmark == "chair" else f"{label} {benchmark.removeprefix('pope_')}"


def _value(stage: Stage, benchmark: str, name: str) -> str:
    return _ascii(format_value(stage.metric(benchmark, name)))


def _cell(metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return "n/a"
    value = f"{format_number(metric.value, metric.unit):>5}{' %' if metric.unit == 'share' else '  '}"
    return _ascii(f"{value} {_brackets(metric.low, metric.high, metric.unit)}").rstrip()


def _signed(difference: Difference, unit: str) -> str:
    value = format_number(difference.value, unit, signed=True)
    return _ascii(f"{value:>5} {_brackets(difference.low, difference.high, unit, signed=True)}").rstrip()


def _brackets(low: float | None, high: float | None, unit: str, *, signed: bool = False) -> str:
    interval = format_interval(low, high, unit, signed=signed)
    return f"[{interval.replace(' to ', ', ')}]" if interval else ""


def _ascii(text: str) -> str:
    """Signs that every terminal can print."""
    return text.replace(MINUS, "-").replace(HARD_SPACE, " ").replace(" · ", ", ")


def _align(rows: list[list[str]]) -> str:
    """Pad every column to its widest cell; rows of one cell are headings and set no width."""
    cells = [["".join(char for char in cell if char.isprintable()) for cell in row] for row in rows]
    full = [row for row in cells if len(row) > 1]
    widths = [max(len(row[i]) for row in full) for i in range(len(full[0]))] if full else []
    lines = [
        row[0] if len(row) == 1 else "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)
