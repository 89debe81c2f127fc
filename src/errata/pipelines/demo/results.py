"""A demo's `results.json`: what was measured, corrected and trained, and the examples that a report shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from errata import __version__
from errata.benchmarks import compare
from errata.pipelines.world.corrections import Corrections
from errata.records import BenchmarkResult, Record, result_to_row
from errata.training import TrainResult
from errata.world import DESCRIBE, Scene, image_name, read_claims

LABELS = {
    "base": "Before",
    "ddpo": "After Dense DPO",
    "dpo": "DPO",
    "sft": "SFT on corrected texts",
    "sft-own": "SFT on own texts (control)",
}
EXAMPLES, CORRECTIONS_SHOWN = 8, 6

Scores = Mapping[str, Mapping[str, BenchmarkResult]]
"""Stage → benchmark → result, the base first."""


def build_results(
    settings: dict[str, Any],
    scenes: Sequence[Scene],
    scores: Scores,
    corrections: Corrections,
    runs: Mapping[str, TrainResult],
    timings: dict[str, float],
) -> dict[str, Any]:
    """Everything `errata.reports` shows, as JSON values."""
    base = scores["base"]
    return {
        "title": "Errata demo: corrections in, a more truthful model out",
        "errata_version": __version__,
        "seed": settings["seed"],
        "quick": settings["quick"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings,
        "stages": [
            {"name": stage, "label": LABELS[stage], "benchmarks": {k: result_to_row(v) for k, v in results.items()}}
            for stage, results in scores.items()
        ],
        "differences": {
            stage: {name: _differences(base[name], after) for name, after in results.items()}
            for stage, results in scores.items()
            if stage != "base"
        },
        "annotation": corrections.summary,
        "training": _describe_training(runs["ddpo"], timings["align ddpo"]),
        "examples": _choose_examples(scenes, base["chair"], scores["ddpo"]["chair"]),
        "corrections_shown": [_show_correction(record) for record in _spread(corrections.records, CORRECTIONS_SHOWN)],
        "timings": timings,
    }


def _differences(before: BenchmarkResult, after: BenchmarkResult) -> dict[str, dict[str, float | None]]:
    return {name: asdict(difference) for name, difference in compare(before, after).items()}


def _describe_training(run: TrainResult, seconds: float) -> dict[str, Any]:
    log = [json.loads(line) for line in (run.out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    cached = [path for path in (run.out / "reference").rglob("*") if path.is_file()]
    return {
        "objective": "ddpo",
        "steps": run.steps,
        "seconds": seconds,
        "set_aside": len(run.set_aside),
        "tree": {"self-check": run.tree_check or "none was made"},
        "reference_cache": {"kilobytes on disk": round(sum(path.stat().st_size for path in cached) / 1000)},
        "log": [row for row in log if "loss" in row],
    }


def _choose_examples(scenes: Sequence[Scene], before: BenchmarkResult, after: BenchmarkResult) -> list[dict[str, Any]]:
    """The first scenes where the base or the aligned model made something up, so that failures show as well."""
    old, new = ({item["image"]: item for item in result.items} for result in (before, after))
    examples = []
    for scene in scenes:
        pair = old[image_name(scene)], new[image_name(scene)]
        if any(mention["hallucinated"] for item in pair for mention in item["mentions"]):
            truth = [f"{thing.colour} {thing.category}, {thing.position.lower()}" for thing in scene.things]
            marked = [{"text": item["text"], "spans": _mark(item, scene)} for item in pair]
            examples.append(
                {
                    "image": image_name(scene),
                    "question": DESCRIBE,
                    "before": marked[0],
                    "after": marked[1],
                    "truth": truth,
                }
            )
        if len(examples) == EXAMPLES:
            break
    return examples


def _mark(item: dict[str, Any], scene: Scene) -> list[dict[str, Any]]:
    """Spans of made-up objects, of true ones, and of wrong colours."""
    spans = [
        {
            "start": mention["start"],
            "end": mention["end"],
            "kind": "hallucinated" if mention["hallucinated"] else "true",
            "object": mention["object"],
        }
        for mention in item["mentions"]
    ]
    truth = {thing.cell: thing for thing in scene.things}
    for claim in read_claims(item["text"]):
        thing = truth.get(claim.cell)
        if thing is not None and thing.category == claim.category and thing.colour != claim.colour:
            start, end = claim.colour_span
            spans.append({"start": start, "end": end, "kind": "attribute", "object": claim.category})
    return sorted(spans, key=lambda span: span["start"])


def _show_correction(record: Record) -> dict[str, Any]:
    better, worse = record.responses
    return {
        "image": record.images[0],
        "question": record.prompt[-1].text,
        "original": worse.text,
        "corrected": better.text,
        "segments": [asdict(segment) for segment in worse.segments],
    }


def _spread(records: Sequence[Record], count: int) -> list[Record]:
    """Records evenly over the file: it begins with descriptions and ends with yes/no answers."""
    return [records[i * len(records) // count] for i in range(min(count, len(records)))]
