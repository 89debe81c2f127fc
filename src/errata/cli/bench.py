"""`errata bench list | info | fetch | stand-ins | job`: what `errata eval` can measure, its files, answers to mark."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from errata.cli.evaluate import add_data, read_names
from errata.errors import DONE, count_noun


def add_parser(subparsers: Any) -> None:
    """Add `bench` with `list`, `info`, `fetch`, `stand-ins` and `job`."""
    parser = subparsers.add_parser(
        "bench",
        help="list and describe benchmarks, fetch their files, draw stand-ins for images, write answers to mark",
    )
    parser.set_defaults(run=lambda _: parser.error("choose: list, info, fetch, stand-ins or job"))
    verbs = parser.add_subparsers(metavar="VERB", prog="errata bench")
    verbs.add_parser("list", help="print every benchmark that `errata eval` knows").set_defaults(run=run_list)
    info = verbs.add_parser("info", help="print paper, licence, size, metrics, options, and what judging costs")
    info.add_argument("name", help="of the benchmark")
    info.set_defaults(run=run_info)
    fetch = verbs.add_parser("fetch", help="bring the official files into the cache")
    fetch.add_argument("name", help="of the benchmark")
    fetch.add_argument("--out", type=Path, help="another folder than the cache ($ERRATA_CACHE or ~/.cache/errata)")
    fetch.set_defaults(run=run_fetch)
    _add_stand_ins(verbs)
    job = verbs.add_parser("job", help="write the answers of an evaluation for people to mark")
    job.add_argument("folder", type=Path, help="that `errata eval` wrote")
    job.add_argument("--benchmark", default="mhumaneval", help="whose answers (default: mhumaneval)")
    job.add_argument("--out", type=Path, required=True, help="JSON lines with empty marks")
    job.set_defaults(run=run_job)


def _add_stand_ins(verbs: Any) -> None:
    stand_ins = verbs.add_parser(
        "stand-ins",
        help="draw synthetic pictures for images that are not there, to try a benchmark",
        description="Draw a synthetic picture for every image that `errata eval` would miss. Results say so.",
    )
    stand_ins.add_argument("--benchmarks", required=True, help="separated by commas, or all")
    stand_ins.add_argument("--seed", type=int, default=0, help="with which images are drawn (default: 0)")
    add_data(stand_ins)
    stand_ins.set_defaults(run=run_stand_ins)


def run_list(_: argparse.Namespace) -> int:
    """Print what each benchmark is, its paper, size, licence, and what judging takes."""
    from errata.benchmarks import BENCHMARKS

    for name, benchmark in BENCHMARKS.items():
        card = benchmark.card
        print(f"{name:20}{card.measures}")
        for fact in (card.paper, card.size, card.licence, card.judge or "no judge, no cost"):
            print(f"{'':20}  {fact}")
    return DONE


def run_info(args: argparse.Namespace) -> int:
    """Print a benchmark's card, its options with their defaults, and what others published."""
    from errata.benchmarks import build_benchmarks, find_data
    from errata.cli.metrics import print_published
    from errata.config import dump_settings

    (benchmark,) = build_benchmarks([args.name])
    card = benchmark.card
    options = " ".join(f"{card.name}.{name}={value}" for name, value in dump_settings(benchmark).items())
    facts = {name: getattr(card, name) for name in ("measures", "paper", "licence", "size", "metrics", "data")}
    facts |= {"judging": card.judge or "no judge, no cost", "options": options or "none"}
    facts |= {"fetched": str(find_data(card.name, None) or "no")}
    print(card.title)
    for name, text in facts.items():
        print(f"  {name:10}{text}")
    print_published(card)
    return DONE


def run_fetch(args: argparse.Namespace) -> int:
    """Fetch what is not there yet, and print where the files are."""
    from errata.benchmarks import build_benchmarks, fetch_data, find_cache
    from errata.cli.progress import show_progress

    (benchmark,) = build_benchmarks([args.name])
    with show_progress() as on_progress:
        paths = fetch_data(
            benchmark.card, args.out or find_cache(f"benchmarks/{benchmark.card.name}"), on_progress=on_progress
        )
    for path in paths:
        print(path)
    return DONE


def run_stand_ins(args: argparse.Namespace) -> int:
    """Draw the pictures, and print how many."""
    from errata.benchmarks import find_cache
    from errata.pipelines.evaluate import StandInSettings, fill_images

    settings = StandInSettings(
        benchmarks=read_names(args.benchmarks),
        image_root=args.image_root or find_cache("stand-ins"),
        annotations=args.annotations,
        mode=args.mode,
        vocabulary=args.vocabulary,
        data=args.data,
        options=tuple(args.overrides),
        seed=args.seed,
    )
    for name, count in fill_images(settings).items():
        print(f"{name}: {count_noun(count, 'image')} drawn")
    print(f"give `errata eval` --image-root {settings.image_root}")
    return DONE


def run_job(args: argparse.Namespace) -> int:
    """Write answers with empty marks, and print how many."""
    from errata.benchmarks import write_marking_job
    from errata.records import read_answers, read_questions

    questions, answers = (args.folder / part / f"{args.benchmark}.jsonl" for part in ("questions", "answers"))
    asked = read_questions(questions)
    write_marking_job(args.out, asked, read_answers(answers))
    print(f"{count_noun(len(asked), 'answer')} to mark: {args.out}")
    return DONE
