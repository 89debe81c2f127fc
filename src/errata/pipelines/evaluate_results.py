"""What was measured, as the `results.json` that a report reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import errata
from errata.data import resolve_image, store_image
from errata.pipelines.annotations import AnnotatedImage
from errata.records import BenchmarkResult, result_to_row

EXAMPLES = 12
"""Descriptions that a report shows."""


def build_results(
    results: Sequence[BenchmarkResult], images: Sequence[AnnotatedImage], settings: dict[str, Any], out: Path
) -> dict[str, Any]:
    """One stage with its benchmarks, and a few descriptions with the made-up words marked.

    Args:
        results: All of one model.
        images: What the questions were built from.
        settings: Of the evaluation, as plain values.
        out: The result folder; the images of the examples are copied into it.
    """
    benchmarks = {result.benchmark.replace("-", "_"): result_to_row(result) for result in results}
    return {
        "title": f"Hallucinations of {settings['model']}",
        "errata_version": errata.__version__,
        "seed": settings["generation"]["seed"],
        "settings": settings,
        "stages": [{"name": "model", "label": settings["model"], "benchmarks": benchmarks}],
        "examples": _list_examples(results, images, Path(settings["image_root"]), out),
    }


def _list_examples(
    results: Sequence[BenchmarkResult], images: Sequence[AnnotatedImage], root: Path, out: Path
) -> list[dict[str, Any]]:
    items = next((result.items for result in results if result.benchmark == "chair"), [])
    by_image = {image.image: image for image in images}
    return [_build_example(item, by_image[item["id"]], root, out) for item in items[:EXAMPLES]]


def _build_example(item: dict[str, Any], image: AnnotatedImage, root: Path, out: Path) -> dict[str, Any]:
    wrong = [mention for mention in item["mentions"] if mention["hallucinated"]]
    spans = [{"kind": "hallucinated", **{key: mention[key] for key in ("start", "end", "object")}} for mention in wrong]
    # A report reads only images inside its run folder.
    data = resolve_image(image.image, root).read_bytes()
    name = f"images/{store_image(data, out / 'images', image.image)}"
    before = {"text": item["text"], "spans": spans}
    return {"image": name, "question": image.question, "before": before, "truth": list(image.objects)}
