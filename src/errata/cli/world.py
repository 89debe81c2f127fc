"""`errata world`: the synthetic world's bases and scenes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from errata.cli.world_study import add_study
from errata.errors import DONE


def add_parser(subparsers: Any) -> None:
    """Add `world` with `pretrain`, `scenes` and `study`."""
    parser = subparsers.add_parser(
        "world", help="the synthetic world: its bases, its scenes, and what methods do there"
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_pretrain(verbs)
    _add_scenes(verbs)
    add_study(verbs)


def _add_pretrain(verbs: Any) -> None:
    parser = verbs.add_parser(
        "pretrain",
        help="make the shipped bases again",
        description="Train tiny LLaVAs from random weights on careless captions: three sizes, and checkpoints on "
        "growing data. All of them take less than an hour on two cores.",
    )
    parser.add_argument("names", nargs="*", metavar="BASE", help="which (default: all)")
    parser.add_argument(
        "--out", type=Path, required=True, help="gets one folder a base, with metrics.json and log.jsonl"
    )
    parser.add_argument("--fresh", action="store_true", help="make bases again that are finished there")
    parser.set_defaults(run=run_pretrain)


def _add_scenes(verbs: Any) -> None:
    parser = verbs.add_parser("scenes", help="draw scenes with the truth about them")
    parser.add_argument("--count", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="which (default: 0)")
    parser.add_argument(
        "--out", type=Path, required=True, help="gets images/, annotations, questions and records of the truth"
    )
    parser.set_defaults(run=run_scenes)


def run_pretrain(args: argparse.Namespace) -> int:
    """Train and measure each base."""
    from errata.cli.progress import show_progress
    from errata.pipelines.world import RECIPES, make_base, order_bases

    for name in order_bases(args.names or list(RECIPES)):
        with show_progress() as on_progress:
            made = make_base(name, args.out, partial(_pass_on, on_progress, name), fresh=args.fresh)
        for benchmark, metrics in made["metrics"].items():
            print(f"{name:10}{benchmark:18}" + "  ".join(f"{k} {v}" for k, v in metrics.items()))
        print(f"{name:10}{args.out / name}")
    return DONE


def _pass_on(
    on_progress: Callable[[str, int, int], None], name: str, stage: str, step: int, steps: int, _: float
) -> None:
    on_progress(f"{name} {stage}", step, steps)


def run_scenes(args: argparse.Namespace) -> int:
    """Write scenes in the form that `errata eval --annotations` reads."""
    from errata.records import write_questions, write_records
    from errata.storage import write_json_lines, write_text
    from errata.world import (
        CATEGORIES,
        DESCRIBE,
        EVALUATION,
        describe,
        describe_questions,
        image_name,
        sample_scenes,
        write_images,
    )

    scenes = sample_scenes("scenes", args.count, args.seed, EVALUATION)
    write_images(scenes, args.out)
    rows = [
        {"image": image_name(s), "objects": list(s.objects), "captions": [describe(s)], "question": DESCRIBE}
        for s in scenes
    ]
    write_json_lines(args.out / "annotations.jsonl", rows)
    questions = describe_questions(scenes)
    write_questions(args.out / "questions.jsonl", questions)
    write_records(args.out / "records.jsonl", [_build_standard(*each) for each in zip(questions, scenes, strict=True)])
    write_text(args.out / "vocabulary.txt", "\n".join(CATEGORIES) + "\n")
    print(f"annotations: {args.out / 'annotations.jsonl'}")
    return DONE


def _build_standard(question: Any, scene: Any) -> Any:
    """The whole truth as a standard answer."""
    from errata.records import Record, Response, Turn
    from errata.world import describe

    response = Response((Turn("assistant", describe(scene)),), level=0, model="truth")
    return Record(question.id, question.images, question.prompt, (response,), source="errata world")
