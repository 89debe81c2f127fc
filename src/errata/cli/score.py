"""`errata score BENCHMARK ANSWERS`: answers made elsewhere, scored here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.cli.evaluate import add_data


def add_parser(subparsers: Any) -> None:
    """Add `score`."""
    parser = subparsers.add_parser(
        "score",
        help="score answers made elsewhere",
        description="Join a file of answers with a benchmark's questions by id, and score them; no model is asked.",
    )
    parser.add_argument("benchmark", help="one of `errata bench list`")
    parser.add_argument("answers", type=Path, help="ours, an original repository's, lmms-eval's or VLMEvalKit's")
    parser.add_argument("--out", type=Path, required=True, help="folder for questions/, answers/ and results.json")
    parser.add_argument("--model", help="its name in the results (default: the one in the file)")
    parser.add_argument("--allow-missing", action="store_true", help="score what is there, and count what is missing")
    parser.add_argument("--seed", type=int, default=0, help="with which questions were built (default: 0)")
    add_data(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score and print each metric with its interval."""
    from errata.cli.metrics import print_evaluation
    from errata.pipelines.score_file import ScoreSettings, score_file

    settings = ScoreSettings(
        benchmark=args.benchmark,
        answers=args.answers,
        annotations=args.annotations,
        data=args.data,
        vocabulary=args.vocabulary,
        mode=args.mode,
        options=tuple(args.overrides),
        image_root=args.image_root,
        model=args.model,
        allow_missing=args.allow_missing,
        seed=args.seed,
    )
    code = print_evaluation(score_file(settings, args.out))
    print(f"results: {args.out / 'results.json'}")
    return code
