"""`errata generate MODEL QUESTIONS`: answers of a model, resumable."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.errors import DONE


def add_parser(subparsers: Any) -> None:
    """Add `generate`."""
    parser = subparsers.add_parser("generate", help="let a model answer questions about images")
    parser.add_argument("model", help="a checkpoint folder, a PEFT adapter folder or a Hub name")
    parser.add_argument("questions", type=Path, help="JSON lines of {id, images, prompt}")
    parser.add_argument("--out", type=Path, required=True, help="the file of answers; a partial one is continued")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the questions' folder)")
    add_sampling(parser)
    parser.set_defaults(run=run)


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how answers are drawn."""
    parser.add_argument("--max-tokens", type=int, default=512, help="longest answer in tokens (default: 512)")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 takes the likeliest token (default: 0)")
    parser.add_argument("--batch-size", type=int, help="questions at a time (default: as many as fit)")
    parser.add_argument("--seed", type=int, default=0, help="of sampling (default: 0)")
    parser.add_argument("--fresh", action="store_true", help="start over instead of continuing")


def read_sampling(args: argparse.Namespace) -> Any:
    """The options of `add_sampling` as generation settings."""
    from errata.generation import GenerationSettings

    return GenerationSettings(
        max_tokens=args.max_tokens, temperature=args.temperature, batch_size=args.batch_size, seed=args.seed
    )


def run(args: argparse.Namespace) -> int:
    """Answer and print where the answers are."""
    from errata.cli.progress import show_progress
    from errata.pipelines.answer import answer_file

    with show_progress() as on_progress:
        answers = answer_file(
            args.model,
            args.questions,
            args.out,
            image_root=args.image_root,
            settings=read_sampling(args),
            fresh=args.fresh,
            on_progress=on_progress,
        )
    cut = sum(not answer.finished for answer in answers)
    print(f"{len(answers)} answers" + (f", {cut} cut off at --max-tokens" if cut else "") + f": {args.out}")
    return DONE
