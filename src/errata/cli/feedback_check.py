"""`errata feedback check RECORDS`: generated answers ranked anew against the standard answer."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from errata.cli.feedback_folder import add_output, add_style, read_style, tell


def add_parser(verbs: Any) -> None:
    """Add `check`."""
    description = "rank generated answers anew by their agreement with the standard answer (AMP's auto-check)"
    parser = verbs.add_parser("check", help=description, description=description)
    parser.add_argument("records", type=Path, help="a .jsonl file of sets, the standard answer at level 0, or a folder")
    parser.add_argument(
        "--encoder",
        default="lexical",
        metavar="NAME",
        help="a CLIP model or sentence encoder, a folder or a Hub name; lexical, a stand-in, needs none (default)",
    )
    parser.add_argument("--chunker", default="own", help="who finds noun chunks: own (default) or spacy:MODEL")
    _add_rules(parser)
    parser.add_argument("--cache", type=Path, help="SQLite file of embeddings (default: one for all runs)")
    parser.add_argument("--device", default="auto", help="of the encoder (default: a GPU if there is one)")
    parser.add_argument(
        "--skip-bad", action="store_true", help="count unreadable rows instead of stopping (exit code 3)"
    )
    add_style(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threshold", type=float, default=0.85, help="agree above this cosine (default: 0.85)")
    parser.add_argument(
        "--measure",
        choices=("recall", "precision", "f1"),
        default="recall",
        help="of the standard's chunks, as the paper (default), of the answer's, or both: what an answer adds counts",
    )
    parser.add_argument("--once", action="store_true", help="a chunk that occurs several times counts once")
    parser.add_argument("--keep-nouns", action="store_true", help="compare also picture words and abstract nouns")
    for name, what in (("standard", "the standard answer"), ("response", "a generated answer")):
        help_text = f"{what} without a noun chunk: keep the set (default) or drop it"
        parser.add_argument(f"--empty-{name}", choices=("keep", "drop"), default="keep", help=help_text)


def run(args: argparse.Namespace) -> int:
    """Write the folder; print what changed, examples, and the counts."""
    from errata.cli.progress import show_progress
    from errata.feedback import AgreementSettings, CheckSettings
    from errata.pipelines.feedback import FeedbackCheck, check_file

    nouns = {"dropped_nouns": ()} if args.keep_nouns else {}
    agreement = AgreementSettings(args.threshold, args.measure, args.once, **nouns)
    job = FeedbackCheck(
        args.records,
        args.encoder,
        args.chunker,
        CheckSettings(agreement, args.empty_standard, args.empty_response),
        cache=args.cache,
        device=args.device,
        style=read_style(args),
        image_root=args.image_root,
        images=args.images,
        skip_bad=args.skip_bad,
    )
    with show_progress() as on_progress:
        feedback, folder = check_file(job, args.out, on_progress=on_progress)
    if feedback.settings["encoder_is_a_stand_in"]:
        print("compared by words: --encoder lexical stands in for a text encoder", file=sys.stderr)
    for line in _describe(feedback.report):
        print(line)
    return tell(feedback, folder)


def _describe(report: dict[str, Any]) -> list[str]:
    ranked = report["sets"] - report["sets_with_nothing_to_rank"]
    tau = report["mean_kendall_tau_with_the_given_order"]
    lines = [
        f"{report['sets_reordered']} of {ranked} sets re-ordered, {report['pairs_swapped']} of {report['pairs']} pairs "
        "of answers swapped" + ("" if tau is None else f"; Kendall's tau with the given order {tau:.3f}")
    ]
    if report["texts_cut"]:
        lines.append(f"{report['texts_cut']} texts were longer than the encoder reads and were cut")
    for example in report["examples"]:
        lines.append(f"{example['id']}:")
        lines += [_describe_response(place, row) for place, row in enumerate(example["responses"])]
    return lines


def _describe_response(place: int, row: dict[str, Any]) -> str:
    found = "standard" if row["acc"] is None else f"acc {row['acc']:.3f}, score {row['score']:.3f}"
    text = " ".join(row["text"].split())
    return f"  {place}, was {row['former_place']} ({found}): {text[:100]}" + ("…" if len(text) > 100 else "")
