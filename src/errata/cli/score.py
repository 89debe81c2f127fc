"""`errata score BENCHMARK ANSWERS`: answers made elsewhere, scored here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.cli.evaluate import add_data
from errata.cli.judging import add_judge, print_plan, read_judge


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
    parser.add_argument("--answer-column", metavar="NAME", help="which column holds the model's words")
    parser.add_argument(
        "--images-of-answers", action="store_true", help="the images that the file answers are the whole set"
    )
    parser.add_argument("--questions", type=Path, help="question file whose numbers they have, such as LLaVA's own")
    parser.add_argument("--model", help="its name in the results (default: the one in the file)")
    parser.add_argument("--allow-missing", action="store_true", help="score what is there, and count what is missing")
    parser.add_argument("--seed", type=int, default=0, help="with which questions were built (default: 0)")
    add_data(parser)
    add_judge(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score and print each metric with its interval."""
    from errata.cli.metrics import print_evaluation
    from errata.cli.progress import show_progress
    from errata.pipelines.evaluate import ScoreSettings, plan_scoring, score_file

    settings = ScoreSettings(
        benchmark=args.benchmark,
        answers=args.answers,
        annotations=args.annotations,
        data=args.data,
        vocabulary=args.vocabulary,
        mode=args.mode,
        options=tuple(args.overrides),
        image_root=args.image_root,
        answer_column=args.answer_column,
        images_of_answers=args.images_of_answers,
        questions=args.questions,
        model=args.model,
        allow_missing=args.allow_missing,
        seed=args.seed,
        judge=read_judge(args),
    )
    if args.dry_run:
        return print_plan(plan_scoring(settings))
    with show_progress() as on_progress:
        evaluation = score_file(settings, args.out, on_progress=on_progress)
    code = print_evaluation(evaluation)
    print(f"results: {args.out / 'results.json'}")
    return code
