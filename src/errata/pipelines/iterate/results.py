"""Rounds as the `results.json` that a report shows: the start, the best round, the others, and the curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import errata
from errata.benchmarks import compare
from errata.config import dump_settings
from errata.pipelines.compare.compare_runs import build_stage, read_stage, share_items
from errata.pipelines.iterate.checkpoints import Candidate
from errata.pipelines.iterate.round import Round
from errata.pipelines.iterate.settings import IterateRun


def build_results(run: IterateRun, rounds: Sequence[Round]) -> dict[str, Any]:
    """One stage for every round's best checkpoint, paired differences against the start, a point for each that was
    measured, and why questions, answers and verdicts of the rounds are missing."""
    first, *others = rounds
    others.sort(key=lambda one: -one.best.score)  # the best round is the one that a reader compares with the start
    read = {one.number: read_stage(Path(one.best.evaluation), -1) for one in rounds}
    stages = [build_stage("start", "Start", read[first.number]["benchmarks"])]
    differences = {}
    for place, one in enumerate(others):
        label = f"Round {one.number}" + (" (best)" if place == 0 else "")
        stages.append(build_stage(f"round-{one.number}", label, read[one.number]["benchmarks"]))
        differences[f"round-{one.number}"] = _compare(read[first.number]["benchmarks"], read[one.number]["benchmarks"])
    return {
        "title": f"{len(rounds) - 1} round{'s' * (len(rounds) != 2)} of alignment of {Path(run.model).name}",
        "errata_version": errata.__version__,
        "seed": run.seed,
        "settings": dump_settings(run),
        "stages": stages,
        "differences": differences,
        "rounds": {
            "metric": run.evaluation.metric,
            "points": [_build_point(one, candidate) for one in rounds for candidate in one.candidates],
            "reasons": [
                {"round": one.number, "of": name, **reason}
                for one in rounds
                for name, reasons in one.complaints.items()
                for reason in reasons
            ],
        },
    }


def _compare(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    pairs = {name: share_items(result, after[name]) for name, result in before.items() if name in after}
    return {name: {m: asdict(d) for m, d in compare(*pair).items()} for name, pair in pairs.items()}


def _build_point(done: Round, candidate: Candidate) -> dict[str, Any]:
    return {
        "round": done.number,
        "checkpoint": candidate.name,
        "best": candidate == done.best,
        "metric": asdict(candidate.metric),
    }
