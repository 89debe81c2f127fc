"""Two result folders -> paired differences on the items that both measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import errata
from errata.benchmarks import compare, recount
from errata.errors import DataError
from errata.pipelines.compare.comparability import Condition, RunFacts, find_conditions, list_models
from errata.records import BenchmarkResult, result_from_row, result_to_row
from errata.storage import write_document


def compare_runs(
    before: str | Path, after: str | Path, out: str | Path | None = None, *, anyway: bool = False
) -> dict[str, Any]:
    """Compare what two folders of results hold alike.

    Metrics are counted again over the shared items, so that both columns and their difference are of the same answers.

    Args:
        before: A folder with `results.json`; where it has several stages, the first counts.
        after: Another; there the last stage counts.
        out: The JSON file that takes the comparison, in the form that a report reads; None writes nothing.
        anyway: Compare even what was measured with another measure.

    Returns:
        Its content: two stages, `differences`, under `shared` how many items each benchmark shares and leaves out,
        under `conditions` what the runs differ in besides their models, and under `models` runs of several models.

    Raises:
        DataError: A folder without results, no benchmark in common, results of different modes, no shared items, or
            runs whose difference would say nothing about their models: other prompts of the judge, another
            vocabulary, another ground truth of every shared question.
    """
    first, second = read_stage(Path(before), 0), read_stage(Path(after), -1)
    names = [name for name in first["benchmarks"] if name in second["benchmarks"]]
    if not names:
        found = f"{', '.join(first['benchmarks'])} and {', '.join(second['benchmarks'])}"
        fix = "evaluate both with the same benchmark"
        raise DataError(f"{before} and {after}", expected="a benchmark that both measured", found=found, fix=fix)
    _require_modes(before, after, first["benchmarks"], second["benchmarks"])
    pairs = {name: share_items(first["benchmarks"][name], second["benchmarks"][name]) for name in names}
    conditions = find_conditions(first["facts"], second["facts"], pairs)
    if not anyway:
        _require_meaning(before, after, conditions)
    content = {
        "title": f"{second['label']} against {first['label']}",
        "errata_version": errata.__version__,
        "settings": {"before": str(before), "after": str(after)},
        "stages": [
            build_stage("before", first["label"], {name: pair[0] for name, pair in pairs.items()}),
            build_stage("after", second["label"], {name: pair[1] for name, pair in pairs.items()}),
        ],
        "differences": {"after": {n: {m: asdict(d) for m, d in compare(*pair).items()} for n, pair in pairs.items()}},
        "conditions": [asdict(one) | {"text": one.describe()} for one in conditions],
        "models": {name: list_models(run["facts"], names) for name, run in (("before", first), ("after", second))},
        "coverage": {"before": first["coverage"], "after": second["coverage"]},
        "shared": {
            name: {
                "items": len(pair[0].items),
                "only_before": len(first["benchmarks"][name].items) - len(pair[0].items),
                "only_after": len(second["benchmarks"][name].items) - len(pair[0].items),
            }
            for name, pair in pairs.items()
        },
    }
    if out is not None:
        write_document(out, content)
    return content


def _require_modes(
    before: str | Path, after: str | Path, first: Mapping[str, BenchmarkResult], second: Mapping[str, BenchmarkResult]
) -> None:
    """Raise DataError where a benchmark was scored in another mode: nothing compares these, `anyway` neither."""
    for name in first.keys() & second.keys():
        if first[name].mode != second[name].mode:
            raise DataError(
                f"{before} and {after}",
                expected="the same mode of scoring",
                found=f"{name} in {first[name].mode} and in {second[name].mode} mode",
                fix="score the answers of both in one mode: `errata score` takes those in RUN/answers",
            )


def _require_meaning(before: str | Path, after: str | Path, conditions: Sequence[Condition]) -> None:
    meaningless = [one.describe() for one in conditions if one.meaningless]
    if meaningless:
        raise DataError(
            f"{before} and {after}",
            expected="numbers by the same measure",
            found="; ".join(meaningless),
            fix="measure both in the same way, or compare them with --anyway",
        )


def read_stage(folder: Path, number: int) -> dict[str, Any]:
    """The label and benchmarks of a stage of a result folder, and what the run says of itself.

    Raises:
        DataError: There is none.
    """
    path = folder / "results.json" if folder.is_dir() else folder
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        stage = content["stages"][number]
        rows: Mapping[str, Any] = stage["benchmarks"]
        return {
            "label": str(stage.get("label", folder.name)),
            "benchmarks": {name: result_from_row(row, f"{path}: {name}") for name, row in rows.items()},
            "coverage": dict(content.get("coverage", {})),
            "facts": RunFacts(
                path.parent,
                dict(content.get("settings") or {}),
                dict(content.get("made_with") or {}),
                dict(content.get("coverage") or {}),
            ),
        }
    except OSError as error:
        fix = "give a folder that `errata eval`, `errata score` or `errata demo` wrote"
        found = error.strerror or str(error)
        raise DataError(str(path), expected="results.json of a run", found=found, fix=fix) from None
    except (KeyError, IndexError, TypeError, AttributeError, json.JSONDecodeError) as error:
        found, fix = f"{type(error).__name__}: {error}", "run the evaluation again"
        raise DataError(str(path), expected="results of a run", found=found, fix=fix) from None


def share_items(before: BenchmarkResult, after: BenchmarkResult) -> tuple[BenchmarkResult, BenchmarkResult]:
    """Both results over the items that both have, in the order of the first, their metrics counted again."""
    other = {item["id"]: item for item in after.items}
    first = [item for item in before.items if item["id"] in other]
    if not first:
        found, fix = "no item in common", "answer the same questions with both models"
        raise DataError(before.benchmark, expected="answers to the same questions", found=found, fix=fix)
    second = [other[item["id"]] for item in first]
    return recount(before, first), recount(after, second)


def build_stage(name: str, label: str, benchmarks: Mapping[str, BenchmarkResult]) -> dict[str, Any]:
    """Without the items, which stand in the runs."""
    rows = {key: result_to_row(replace(result, items=[])) for key, result in benchmarks.items()}
    return {"name": name, "label": label, "benchmarks": rows}
