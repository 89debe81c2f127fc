"""`errata feedback claims QUESTIONS`: pairs from verdicts on single claims (RLAIF-V)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errata.cli.feedback_folder import add_output, add_style, read_style, tell
from errata.cli.generate import MODEL, add_endpoint, read_endpoint
from errata.errors import INCOMPLETE, count_noun

if TYPE_CHECKING:
    from errata.pipelines.feedback import ClaimsJob


def add_parser(verbs: Any) -> None:
    """Add `claims`."""
    parser = verbs.add_parser(
        "claims",
        help="pairs from yes/no verdicts on the single claims of answers (RLAIF-V)",
        description="Take each answer apart into claims, ask a labeller about each claim on the image, and pair "
        "answers to one question by their rejected claims. What was asked is kept: the same command goes on where it "
        "stopped.",
    )
    parser.add_argument("questions", type=Path, help="JSON lines of {id, images, prompt}")
    _add_answers(parser)
    _add_judges(parser)
    _add_pairs(parser)
    add_style(parser, "lengths")
    add_output(parser)
    add_endpoint(parser)
    parser.add_argument("--fresh", action="store_true", help="let --model answer again; verdicts stay in their cache")
    parser.set_defaults(run=run)


def _add_answers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--answers", type=Path, help="JSON lines of answers, as `errata generate --samples` writes them")
    group.add_argument("--model", help=f"who answers: {MODEL}; answers go to OUT/answers.jsonl")
    parser.add_argument("--samples", type=int, default=10, help="answers of --model to a question (default: 10)")
    parser.add_argument("--temperature", type=float, default=0.7, help="of --model (default: 0.7)")
    parser.add_argument("--max-tokens", type=int, default=512, help="longest answer of --model (default: 512)")


def _add_judges(parser: argparse.ArgumentParser) -> None:
    kinds = "openai:MODEL@URL[,URL…], local:MODEL or scripted:FILE"
    parser.add_argument(
        "--splitter",
        required=True,
        help=f"who takes answers apart: {kinds}; offline stand-ins: rules (every sentence is a claim) or world (the "
        "synthetic world's descriptions)",
    )
    parser.add_argument("--labeller", required=True, help=f"who looks at the image: {kinds}")
    parser.add_argument(
        "--suffix", help="text behind each question to local:… (default: ' Please answer yes or no.'; none for world)"
    )
    parser.add_argument(
        "--max-pixels", type=int, metavar="N", help="show the labeller and --model pictures of at most so many pixels"
    )
    parser.add_argument("--judge-max-tokens", type=int, metavar="N", help="room for a reply of either")
    parser.add_argument("--judge-cache", type=Path, help="SQLite file of all verdicts (default: one for all runs)")
    parser.add_argument("--prices", type=Path, help="your own table of prices")
    parser.add_argument("--dry-run", action="store_true", help="print calls, tokens and cost, and ask nobody")


def _add_pairs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gap", type=int, default=1, help="least difference of rejected claims (default: 1)")
    parser.add_argument("--pairs", type=int, default=2, help="most pairs of one question, drawn (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="of sampling and of the draw (default: 0)")


def read_job(args: argparse.Namespace) -> ClaimsJob:
    """The options as a job."""
    from errata.feedback import ClaimSettings
    from errata.generation import GenerationSettings
    from errata.pipelines.feedback import ClaimsJob

    style = read_style(args)
    return ClaimsJob(
        questions=args.questions,
        splitter=args.splitter,
        labeller=args.labeller,
        answers=args.answers,
        model=args.model,
        samples=args.samples,
        generation=GenerationSettings(
            max_tokens=args.max_tokens, temperature=args.temperature, seed=args.seed, max_pixels=args.max_pixels
        ),
        image_root=args.image_root,
        suffix=args.suffix,
        settings=ClaimSettings(args.gap, args.pairs, style.length_balance, args.seed, style.max_length_factor),
        cache=args.judge_cache,
        prices=args.prices,
        endpoint=read_endpoint(args),
        max_pixels=args.max_pixels,
        max_tokens=args.judge_max_tokens,
    )


def run(args: argparse.Namespace) -> int:
    """Write the folder and print its counts."""
    from errata.cli.judging import print_plan
    from errata.cli.progress import show_progress
    from errata.pipelines.feedback import CLAIMS_FILE, plan_claims, run_claims

    job = read_job(args)
    if args.dry_run:
        return print_plan(plan_claims(job, args.out))
    with show_progress() as on_progress:
        done = run_claims(job, args.out, images=args.images, fresh=args.fresh, on_progress=on_progress)
    report = done.feedback.report
    for table in ("answers", "claims"):
        for what, count in report[table].items():
            print(f"{count:8}  {what.replace('_', ' ')}")
        print()
    code = tell(done.feedback, done.folder)
    print(f"claims and verdicts of all answers: {args.out / CLAIMS_FILE}")
    if done.lost:
        print(f"{count_noun(done.lost, 'answer')} that could not be judged", file=sys.stderr)
    return INCOMPLETE if done.lost else code
