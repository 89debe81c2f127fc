"""`errata eval MODEL`: benchmarks on images whose objects are known."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.cli.bench import BENCHMARKS
from errata.cli.generate import add_sampling, read_sampling
from errata.errors import DONE


def add_parser(subparsers: Any) -> None:
    """Add `eval`."""
    parser = subparsers.add_parser(
        "eval",
        help="measure a model's hallucinations",
        description="Build questions from annotated images, let the model answer, score; a stopped run continues.",
    )
    parser.add_argument("model", help="a checkpoint folder, a PEFT adapter folder or a Hub name")
    parser.add_argument("--annotations", type=Path, required=True, help="JSON lines of {image, objects, captions?}")
    parser.add_argument("--out", type=Path, required=True, help="folder for answers/ and results.json")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the annotations' folder)")
    parser.add_argument("--vocabulary", type=Path, help="object names, one object a line (default: COCO's 80)")
    names = ",".join(BENCHMARKS)
    parser.add_argument("--benchmarks", default=names, help=f"separated by commas (default: {names})")
    parser.add_argument("--mode", choices=["strict", "official"], default="strict", help="how answers are read")
    add_sampling(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print each metric with its interval."""
    from errata.cli.progress import show_progress
    from errata.pipelines.evaluate import EvaluationSettings, evaluate

    settings = EvaluationSettings(
        model=args.model,
        annotations=args.annotations,
        image_root=args.image_root or args.annotations.parent,
        benchmarks=tuple(name.strip() for name in args.benchmarks.split(",") if name.strip()),
        mode=args.mode,
        vocabulary=args.vocabulary,
        generation=read_sampling(args),
    )
    with show_progress() as on_progress:
        results = evaluate(settings, args.out, fresh=args.fresh, on_progress=on_progress)
    for result in results:
        for name, metric in result.metrics.items():
            print(f"{result.benchmark:18}{name:16}{format_metric(metric)}")
    print(f"results: {args.out / 'results.json'}")
    return DONE


def format_metric(metric: Any) -> str:
    """A metric as `12.3 % (10.0 - 15.1)`; a dash where its denominator is zero."""
    if metric.value is None:
        return "-"
    scale, unit = (100, " %") if metric.unit == "share" else (1, f" {metric.unit}")
    interval = "" if metric.low is None else f" ({metric.low * scale:.1f} - {metric.high * scale:.1f})"
    return f"{metric.value * scale:.1f}{unit}{interval}"
