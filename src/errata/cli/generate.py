"""`errata generate MODEL QUESTIONS`: answers of a model, resumable."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from errata.cli.best_of import add_best_of, read_best_of
from errata.errors import DONE, INCOMPLETE, count_noun

PROTOCOLS = ("rlhfv", "rlaifv", "amp")
"""Names of `errata.generation.PROTOCOLS`, which loads torch."""


MODEL = "a checkpoint folder, a PEFT adapter folder, a Hub name, BASE+ADAPTER, or openai:NAME@URL[,URL…]"
"""What the argument that names a model may be."""


def add_parser(subparsers: Any) -> None:
    """Add `generate`."""
    parser = subparsers.add_parser("generate", help="let a model answer questions about images")
    parser.add_argument("model", help=MODEL)
    parser.add_argument("questions", type=Path, help="JSON lines of {id, images, prompt, followups?}")
    parser.add_argument("--out", type=Path, required=True, help="the file of answers; a partial one is continued")
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the questions' folder)")
    parser.add_argument("--samples", type=int, default=1, help="answers to each question (default: 1)")
    add_best_of(parser)
    add_sampling(parser)
    add_endpoint(parser)
    parser.set_defaults(run=run)


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how answers are drawn; those left out are the protocol's."""
    parser.add_argument("--protocol", choices=PROTOCOLS, help="decode as the evaluation of this paper did")
    parser.add_argument("--max-tokens", type=int, help="longest answer in tokens (default: 512)")
    parser.add_argument("--temperature", type=float, help="0 takes the likeliest token (default: 0)")
    parser.add_argument("--top-p", type=float, help="sample from the likeliest tokens with this share (default: 1)")
    parser.add_argument("--beams", type=int, help="above 1, beam search (default: 1)")
    parser.add_argument("--repetition-penalty", type=float, help="1 is none (default: 1)")
    parser.add_argument("--no-repeat-ngram", type=int, help="no so many tokens occur twice in a row (default: 0, off)")
    parser.add_argument(
        "--thinking",
        action=argparse.BooleanOptionalAction,
        help="let the model think before it answers, or not, where its template asks (default: as the model does)",
    )
    parser.add_argument("--thinking-tokens", type=int, help="room for a model's thoughts (default: 4096)")
    parser.add_argument("--batch-size", type=int, help="questions at a time (default: as many as fit)")
    add_picture_limits(parser)
    parser.add_argument("--seed", type=int, help="of sampling (default: 0)")
    parser.add_argument("--fresh", action="store_true", help="start over instead of continuing")


def add_picture_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how large pictures may be; those left out are the model's."""
    parser.add_argument(
        "--max-pixels",
        type=int,
        metavar="N",
        help="make pictures of more pixels (width x height) smaller",
    )
    parser.add_argument("--min-pixels", type=int, metavar="N", help="enlarge pictures of fewer pixels")
    parser.add_argument(
        "--max-tiles",
        type=int,
        metavar="N",
        help="tiles of a picture: InternVL, LLaVA-NeXT and -OneVision, Idefics3",
    )


def read_sampling(args: argparse.Namespace) -> Any:
    """The options of `add_sampling` as generation settings."""
    from errata.generation import build_settings

    return build_settings(
        args.protocol,
        max_tokens=args.max_tokens,
        temperature=args.temperature,
        top_p=args.top_p,
        num_beams=args.beams,
        repetition_penalty=args.repetition_penalty,
        no_repeat_ngram_size=args.no_repeat_ngram,
        batch_size=args.batch_size,
        thinking=args.thinking,
        thinking_tokens=args.thinking_tokens,
        seed=args.seed,
        max_pixels=args.max_pixels,
        min_pixels=args.min_pixels,
        max_tiles=args.max_tiles,
    )


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how hard an endpoint is asked."""
    parser.add_argument("--concurrency", type=int, help="requests at a time to each server of openai:… (default: 16)")
    parser.add_argument("--timeout-s", type=float, help="longest wait for one reply of openai:… (default: 120)")
    parser.add_argument(
        "--reply-model",
        action="append",
        default=[],
        metavar="NAME",
        help="take replies of openai:… under this name and the asked one, and refuse others (default: take all, and "
        "report them)",
    )


def read_endpoint(args: argparse.Namespace) -> Any:
    """The options of `add_endpoint` as endpoint settings."""
    from errata.endpoints import EndpointSettings

    names = tuple(args.reply_model) or None
    stated = {"concurrency": args.concurrency, "timeout_s": args.timeout_s, "reply_models": names}
    return EndpointSettings(**{name: value for name, value in stated.items() if value is not None})


def run(args: argparse.Namespace) -> int:
    """Answer and print where the answers are."""
    from errata.cli.progress import show_progress
    from errata.pipelines.answering import answer_file
    from errata.records import describe_answered, describe_answers, describe_reasons

    with show_progress() as on_progress:
        answered = answer_file(
            args.model,
            args.questions,
            args.out,
            image_root=args.image_root,
            settings=read_sampling(args),
            endpoint=read_endpoint(args),
            samples=args.samples,
            best_of=read_best_of(args),
            fresh=args.fresh,
            on_progress=on_progress,
        )
    cut = sum(not answer.finished for answer in answered.answers)
    told = count_noun(len(answered.answers), "answer")
    told += f", each the best of {args.best_of} samples" if args.best_of else ""
    told += f", {cut} cut off at --max-tokens" if cut else ""
    print(f"{told}: {args.out}")
    for line in describe_answered(describe_answers(answered.answers)):
        print(f"  {line}", file=sys.stderr)
    if not answered.missing:
        return DONE
    missing = count_noun(len(answered.missing), "question")
    print(f"{missing} without an answer: {args.out}.failed.jsonl", file=sys.stderr)
    for line in describe_reasons(answered.reasons):
        print(f"  {line}", file=sys.stderr)
    return INCOMPLETE
