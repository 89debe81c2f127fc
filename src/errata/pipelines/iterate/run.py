"""`errata iterate`: alignment that goes round by itself, each round from the best checkpoint of the last.

Rounds as the `results.json` that a report shows: the start, the best round, the others, and the curve.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

import errata
from errata.benchmarks import compare
from errata.config import dump_settings
from errata.endpoints import is_endpoint, parse_endpoint
from errata.errors import count_noun
from errata.models import check_model
from errata.pipelines.answering.local_model import build_model_settings
from errata.pipelines.compare.compare_runs import build_stage, read_stage, share_items
from errata.pipelines.feedback.claims_job import build_labeller, check_judges
from errata.pipelines.iterate.checkpoints import Candidate
from errata.pipelines.iterate.round import Round, build_comparison, build_training, measure_start, run_round
from errata.pipelines.iterate.settings import IterateRun
from errata.pipelines.progress import OnProgress
from errata.reports import render_report
from errata.storage import read_stated, require_own_folder, require_same_run, write_document, write_text


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


SETTINGS_FILE = "iterate.yaml"
FREE = ("out", "rounds", "patience", "least_gain", "most_lost")
"""Settings that may change when a run goes on: none of them changes a round that is over."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """What an iteration came to.

    Attributes:
        rounds: Round 0, the start, and every round that is over.
        stopped: Why there are no more rounds; None where a signal came, and the same command goes on.
        report: The page with the curve.
    """

    rounds: tuple[Round, ...]
    stopped: str | None
    report: Path

    @property
    def best(self) -> Candidate:
        """The best checkpoint of all rounds, of equal ones the earliest."""
        return max((one.best for one in self.rounds), key=lambda candidate: candidate.score)

    @property
    def complete(self) -> bool:
        """Whether every question of every round could be asked and judged, and every one that measures was answered."""
        return not any(one.counts.get("failed") or any(each.missing for each in one.candidates) for one in self.rounds)


def iterate(run: IterateRun, on_progress: OnProgress | None = None, *, fresh: bool = False) -> Iteration:
    """Run rounds until there are enough, or until the evaluation says so; go on with what the folder holds.

    Raises:
        ConfigError: The folder holds another iteration, or a setting cannot be used.
        DataError: Questions that cannot be read, or a round without anything to compare.
        ModelError: A model that cannot be loaded, or training that diverged.
        JudgeError: A judge gave too few verdicts; the same call asks for the others.
        StorageError: The folder cannot be written.
    """
    # What they refuse, they refuse before hours of work.
    _check_model(run)
    _check_judges(run)
    _open_folder(run, fresh=fresh)
    rounds = [measure_start(run, on_progress)]
    stopped: str | None = None
    while stopped is None:
        done = run_round(run, len(rounds), rounds[-1].best.model, on_progress)
        if done is None:
            break
        rounds.append(done)
        _write_results(run, rounds)  # after every round: a run that is killed has its curve so far
        stopped = find_reason_to_stop(run, rounds)
    return Iteration(tuple(rounds), stopped, _write_results(run, rounds))


def _check_model(run: IterateRun) -> None:
    """Raise ConfigError or ModelError for what the model cannot be trained or asked with."""
    asked = (build_model_settings(run.model, one) for one in (run.generation, run.evaluation.generation))
    for settings in (build_training(run, run.model, run.out / "round-1", run.seed).model, *asked):
        check_model(settings)


def _check_judges(run: IterateRun) -> None:
    """Raise ConfigError or ModelError for a splitter or labeller that could not judge; a benchmark's judge is looked at
    before the first model answers."""
    job = build_comparison(run, 1, run.model)
    check_judges(job, build_labeller(job))


def find_reason_to_stop(run: IterateRun, rounds: list[Round]) -> str | None:
    """Why no further round is run: enough of them, or no gain over the best so far in `patience` rounds."""
    best, without = rounds[0].best.score, 0
    for done in rounds[1:]:
        gained = done.best.score - best > run.least_gain
        best, without = max(best, done.best.score), 0 if gained else without + 1
    if without >= run.patience:
        return f"no gain in {run.evaluation.metric} in {count_noun(without, 'round')}"
    if len(rounds) <= run.rounds:
        return None
    return "1 round is over" if run.rounds == 1 else f"{run.rounds} rounds are over"


def _write_results(run: IterateRun, rounds: list[Round]) -> Path:
    content = build_results(run, rounds)
    write_document(run.out / "results.json", content)
    return render_report(run.out)


def _open_folder(run: IterateRun, *, fresh: bool) -> None:
    """Mark the folder as this run's, or check that it is. Raises ConfigError."""
    path, stated = run.out / SETTINGS_FILE, dump_settings(run)
    if path.is_file() and fresh:
        for folder in run.out.glob("round-*"):
            shutil.rmtree(folder)
    elif path.is_file() and any(run.out.glob("round-*")):  # without a round, nothing was made with other settings
        found, now = read_stated(path), json.loads(json.dumps(stated))
        expected = "the settings of the rounds in this folder"
        require_same_run(path, _leave_addresses_out(found), _leave_addresses_out(now), expected=expected, free=FREE)
    else:
        require_own_folder(run.out, "an empty folder or an iteration's", path)
    write_text(path, yaml.safe_dump(json.loads(json.dumps(stated)), sort_keys=False, allow_unicode=True))


def _leave_addresses_out(settings: Any) -> Any:
    """Settings whose endpoints are named by their model: a server may move while a run goes on."""
    if isinstance(settings, dict):
        return {name: _leave_addresses_out(value) for name, value in settings.items()}
    is_named = isinstance(settings, str) and is_endpoint(settings)
    return f"openai:{parse_endpoint(settings).model}" if is_named else settings
