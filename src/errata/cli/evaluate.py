"""`errata eval MODEL`: benchmarks, on their official files or on images whose objects are known."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from errata.cli.best_of import add_best_of, read_best_of
from errata.cli.generate import MODEL, add_endpoint, add_sampling, read_endpoint, read_sampling
from errata.cli.judging import add_judge, print_plan, read_judge
from errata.errors import count_noun


def add_parser(subparsers: Any) -> None:
    """Add `eval`."""
    parser = subparsers.add_parser(
        "eval",
        help="measure a model's hallucinations",
        description="Ask a model the questions of benchmarks, score its answers; a stopped run continues.",
    )
    parser.add_argument("model", help=MODEL)
    parser.add_argument("--out", type=Path, required=True, help="folder for questions/, answers/ and results.json")
    names = "pope,chair"
    parser.add_argument("--benchmarks", default=names, help=f"separated by commas, or all (default: {names})")
    add_data(parser)
    add_best_of(parser)
    add_sampling(parser)
    add_endpoint(parser)
    add_judge(parser)
    parser.set_defaults(run=run)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is measured and how answers are read."""
    parser.add_argument("--annotations", type=Path, help="annotated images: JSON lines, {image: [objects]}, or COCO's")
    parser.add_argument(
        "--data", type=Path, help="folder of official files (default: what `errata bench fetch` brought)"
    )
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the annotations' folder)")
    parser.add_argument("--vocabulary", type=Path, help="object names, one object a line (default: COCO's 80)")
    parser.add_argument("--mode", choices=["strict", "official"], default="strict", help="how answers are read")
    parser.add_argument("overrides", nargs="*", metavar="benchmark.option=value", help="options of a benchmark")


def read_names(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def run(args: argparse.Namespace) -> int:
    """Evaluate and print each metric with its interval."""
    from errata.cli.metrics import print_evaluation
    from errata.cli.progress import show_progress
    from errata.pipelines.evaluate import EvaluationSettings, evaluate, plan_evaluation

    settings = EvaluationSettings(
        model=args.model,
        annotations=args.annotations,
        image_root=args.image_root,
        benchmarks=read_names(args.benchmarks),
        mode=args.mode,
        vocabulary=args.vocabulary,
        data=args.data,
        options=tuple(args.overrides),
        generation=read_sampling(args),
        endpoint=read_endpoint(args),
        judge=read_judge(args),
        best_of=read_best_of(args),
    )
    if args.dry_run:
        return print_plan(plan_evaluation(settings, args.out))
    with show_progress() as on_progress:
        evaluation = evaluate(settings, args.out, fresh=args.fresh, on_progress=on_progress)
    code = print_evaluation(evaluation)
    for name, coverage in evaluation.coverage.items():
        path = args.out / "answers" / f"{name}.jsonl.failed.jsonl"
        if coverage.answered < coverage.questions and path.is_file():
            missing = count_noun(coverage.questions - coverage.answered, "question")
            print(f"{missing} of {name} without an answer: {path}", file=sys.stderr)
    print(f"results: {args.out / 'results.json'}")
    return code
