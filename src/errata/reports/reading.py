"""`results.json` -> `Results`. Unknown fields are let through, so that an older report reads a newer file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from errata.errors import DataError
from errata.records import BenchmarkResult, Fields, Metric
from errata.reports.results import (
    Correction,
    Difference,
    Example,
    Marked,
    Quoted,
    Results,
    RoundPoint,
    Stage,
)

NUMBER = (int, float)
_FIX = "write it with `errata demo --out DIR`, or fix the field"


def read_results(run_folder: Path) -> Results:
    """Read the results of a run folder.

    Raises:
        DataError: The folder or the file is missing, is not JSON, or a field has another type than the report needs.
    """
    path = Path(run_folder) / "results.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        fix = "give the folder that `errata demo --out DIR` wrote, or run it again"
        raise DataError(str(path), expected="a run folder with results.json", found=_reason(error), fix=fix) from None
    except (ValueError, RecursionError) as error:
        fix = "run the command that wrote it again"
        raise DataError(
            str(path), expected="one JSON object in UTF-8", found=f"a broken file ({error})", fix=fix
        ) from None
    return parse_results(raw, str(path))


def parse_results(raw: Any, where: str = "results") -> Results:
    """Type a decoded `results.json`. Raises DataError that begins with `where` and names the field."""
    fields = _Fields(raw, where)
    stages = tuple(_parse_stage(item) for item in fields.children("stages"))
    if not stages:
        raise DataError(f"{where}: stages", expected="at least one measured stage", found="none", fix=_FIX)
    return Results(
        title=fields.take("title", str),
        stages=stages,
        version=fields.take("errata_version", str, ""),
        seed=fields.take("seed", int, None),
        quick=fields.take("quick", bool, False),
        created=fields.take("created", str, ""),
        settings=fields.take("settings", dict, {}),
        differences=_parse_differences(fields),
        annotation=_parse_annotation(fields),
        training=_parse_training(fields),
        examples=tuple(_parse_example(item) for item in fields.children("examples", [])),
        corrections=tuple(_parse_correction(item) for item in fields.children("corrections_shown", [])),
        rounds=_parse_rounds(fields.child("rounds")),
        timings=_parse_numbers(fields.child("timings")),
        coverage=fields.take("coverage", dict, {}),
        published=tuple(_parse_quoted(item) for item in fields.children("published", [])),
        conditions=_parse_conditions(fields),
    )


def _parse_conditions(fields: _Fields) -> tuple[str, ...]:
    differing = [item.take("text", str) for item in fields.children("conditions", [])]
    models = fields.child("models")
    return (*differing, *(f"{run}, {line}" for run in models.raw for line in models.take(run, list)))


def _parse_stage(fields: _Fields) -> Stage:
    benchmarks = {name: _parse_benchmark(name, item) for name, item in fields.child("benchmarks", needed=True).items()}
    name = fields.take("name", str)
    return Stage(name, fields.take("label", str, name), benchmarks)


def _parse_benchmark(name: str, fields: _Fields) -> BenchmarkResult:
    return BenchmarkResult(
        benchmark=name,
        mode=fields.take("mode", str, ""),
        model=fields.take("model", str, ""),
        metrics={key: _parse_metric(item) for key, item in fields.child("metrics", needed=True).items()},
        items=[item.raw for item in fields.children("items", [])],
        settings=fields.take("settings", dict, {}),
    )


def _parse_metric(fields: _Fields) -> Metric:
    value, low, high = (fields.number(key) for key in ("value", "low", "high"))
    unit, better = fields.take("unit", str, "share"), fields.take("better", str, "neither")
    counted = fields.number("numerator"), fields.take("items", int, 0), fields.number("spread")
    return Metric(value, low, high, fields.take("n", int, 0), unit, better, *counted)


def _parse_differences(fields: _Fields) -> dict[str, dict[str, dict[str, Difference]]]:
    return {
        stage: {
            benchmark: {name: _parse_difference(item) for name, item in metrics.items()}
            for benchmark, metrics in benchmarks.items()
        }
        for stage, benchmarks in fields.child("differences").items()
    }


def _parse_difference(fields: _Fields) -> Difference:
    return Difference(*(fields.number(name) for name in ("value", "low", "high", "p")))


def _parse_annotation(fields: _Fields) -> dict[str, Any]:
    annotation = fields.child("annotation")
    types = _parse_numbers(annotation.child("types"))
    numbers = {name: annotation.number(name) for name in annotation.raw if name != "types"}
    return numbers | {"types": types} if annotation.raw else {}


def _parse_training(fields: _Fields) -> dict[str, Any]:
    training = fields.child("training")
    log = [row.raw for row in training.children("log", [])]
    facts = {name: training.take(name, dict, {}) for name in ("tree", "reference_cache")}
    return training.raw | facts | {"log": log} if training.raw else {}


def _parse_example(fields: _Fields) -> Example:
    after = fields.child("after")
    return Example(
        image=fields.take("image", str, ""),
        question=fields.take("question", str, ""),
        before=_parse_marked(fields.child("before", needed=True)),
        after=_parse_marked(after) if after.raw else None,
        truth=tuple(str(fact) for fact in fields.take("truth", list, [])),
    )


def _parse_marked(fields: _Fields) -> Marked:
    return Marked(fields.take("text", str), tuple(fields.take("spans", list, [])))


def _parse_correction(fields: _Fields) -> Correction:
    image, question = fields.take("image", str, ""), fields.take("question", str, "")
    original, corrected = fields.take("original", str), fields.take("corrected", str)
    return Correction(image, question, original, corrected, tuple(fields.take("segments", list, [])))


def _parse_quoted(fields: _Fields) -> Quoted:
    model, metric, value, source = (fields.take(name, str) for name in ("model", "metric", "value", "source"))
    return Quoted(model, metric, value, source, fields.take("note", str, ""))


def _parse_rounds(fields: _Fields) -> tuple[RoundPoint, ...]:
    metric = fields.take("metric", str, "")
    return tuple(
        RoundPoint(
            item.take("round", int), metric, _parse_metric(item.child("metric", needed=True)), item.take("best", bool)
        )
        for item in fields.children("points", [])
    )


def _parse_numbers(fields: _Fields) -> dict[str, float]:
    return {name: fields.take(name, NUMBER) for name in fields.raw}


class _Fields(Fields):
    """An object inside `results.json`."""

    def __init__(self, raw: Any, where: str) -> None:
        super().__init__(raw, where, "result", fix=_FIX)

    def number(self, name: str) -> float | None:
        value = self.take(name, NUMBER, None)
        if value is not None and not math.isfinite(value):
            raise DataError(self.where, expected=f"{name!r} as a finite number or null", found=str(value), fix=_FIX)
        return None if value is None else float(value)

    def child(self, name: str, *, needed: bool = False) -> _Fields:
        return _Fields(self.take(name, dict, *(() if needed else ({},))), f"{self.where}: {name}")

    def children(self, name: str, *default: Any) -> list[_Fields]:
        return [_Fields(item, f"{self.where}: {name}[{i}]") for i, item in enumerate(self.take(name, list, *default))]

    def items(self) -> list[tuple[str, _Fields]]:
        return [(name, _Fields(value, f"{self.where}.{name}")) for name, value in self.raw.items()]


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
