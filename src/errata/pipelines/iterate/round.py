"""One round: generate, compare, train, measure every checkpoint, and say which is best."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from errata.config import list_overrides, load_settings
from errata.endpoints import EndpointSettings, is_endpoint
from errata.errors import ConfigError, DataError, JudgeError
from errata.models import ModelSettings, find_adapter, merge_adapter
from errata.pipelines.answering.answer import answer_file
from errata.pipelines.feedback.claims import ClaimsRun, run_claims
from errata.pipelines.feedback.claims_job import ClaimsJob
from errata.pipelines.iterate.checkpoints import Candidate, list_checkpoints, measure_checkpoint
from errata.pipelines.iterate.settings import SELF, IterateRun
from errata.pipelines.progress import OnProgress, name_progress
from errata.records import Metric, Question, describe_reasons, read_questions, write_questions
from errata.storage import write_text
from errata.training import TrainRun, train

ROUND_FILE = "round.json"
"""In a round's folder as soon as the round is over."""


@dataclass(frozen=True, slots=True)
class Round:
    """A round that is over: the model it began with, what was compared and what could not be, and all checkpoints."""

    number: int
    began_with: str
    counts: dict[str, int]
    candidates: tuple[Candidate, ...]
    reasons: tuple[dict[str, Any], ...] = ()

    @property
    def best(self) -> Candidate:
        """Of equal ones the earliest."""
        return max(self.candidates, key=lambda candidate: candidate.score)

    @property
    def complaints(self) -> dict[str, tuple[dict[str, Any], ...]]:
        """Why questions, answers and verdicts are missing: of what was compared (`feedback`) and by checkpoint."""
        found = {"feedback": self.reasons} | {one.name: one.reasons for one in self.candidates}
        return {name: reasons for name, reasons in found.items() if reasons}


def measure_start(run: IterateRun, on_progress: OnProgress | None) -> Round:
    """Round 0: the model as it was given."""
    folder = run.out / "round-0"
    found = read_round(folder)
    if found is None:
        found = Round(0, run.model, {}, (measure_checkpoint(run, "model", run.model, folder, on_progress),))
        _write_round(folder, found)
    return found


def run_round(run: IterateRun, number: int, model: str, on_progress: OnProgress | None) -> Round | None:
    """Run a round or what is left of it; a finished one is read. None where a signal stopped training.

    Args:
        run: All settings.
        number: From 1.
        model: What it begins with; also the reference of its training.
        on_progress: Told what is under way.
    """
    folder = run.out / f"round-{number}"
    found = read_round(folder)
    if found is not None:
        return found
    seed = find_seed(run, number)
    questions = choose_questions(read_questions(run.questions), run.questions_per_round, number, run.seed)
    write_questions(folder / "questions.jsonl", questions)
    answer_file(
        model,
        folder / "questions.jsonl",
        folder / "answers.jsonl",
        image_root=run.root,
        settings=replace(run.generation, seed=seed),
        samples=run.samples,
        on_progress=name_progress(on_progress, folder.name),
    )
    compared = compare_answers(run, number, model, on_progress)
    require_verdicts(compared, run.most_lost)
    feedback = compared.feedback
    if not feedback.records:
        raise DataError(
            str(folder / "feedback"),
            expected="pairs to train on",
            found="none in this round",
            fix="draw more questions or samples, or raise the temperature",
        )
    start = _write_start(model, folder)
    trained = train(build_training(run, start, folder, seed), name_progress(on_progress, folder.name))
    if trained.signalled or trained.model is None:
        return None
    candidates = [
        measure_checkpoint(run, path.name, str(path), folder, on_progress)
        for path in list_checkpoints(run, trained.model)
    ]
    counts = {"records": len(feedback.records), "failed": feedback.tally.failed, **dict(feedback.tally.count_rows())}
    done = Round(number, model, counts, tuple(candidates), tuple(feedback.list_reasons()))
    _write_round(folder, done)
    return done


def choose_questions(questions: Sequence[Question], count: int | None, number: int, seed: int) -> list[Question]:
    """The questions of a round: the next `count` of a shuffled list that begins anew, shuffled again, at its end."""
    if count is None or count >= len(questions):
        return list(questions)
    first, order, passed = (number - 1) * count, list[int](), 0
    while len(order) < first + count:
        deck = list(range(len(questions)))
        random.Random(f"{seed} {passed}").shuffle(deck)
        order, passed = order + deck, passed + 1
    chosen = dict.fromkeys(order[first : first + count])
    return [questions[place] for place in chosen]


def read_round(folder: Path) -> Round | None:
    """A round that is over; None where it is not. Raises ConfigError for a file of something else."""
    path = folder / ROUND_FILE
    if not path.is_file():
        return None
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        candidates = tuple(
            Candidate(**one | {"metric": Metric(**one["metric"]), "reasons": tuple(one.get("reasons", ()))})
            for one in row["candidates"]
        )
        return Round(row["number"], row["began_with"], row["counts"], candidates, tuple(row.get("reasons", ())))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            str(path), expected="what a round wrote", found=type(error).__name__, fix="remove the file"
        ) from None


def _write_round(folder: Path, done: Round) -> None:
    write_text(folder / ROUND_FILE, json.dumps(asdict(done), ensure_ascii=False, indent=1) + "\n")


def compare_answers(run: IterateRun, number: int, model: str, on_progress: OnProgress | None) -> ClaimsRun:
    """Pairs of a round's answers, written to its folder; verdicts that the cache holds are not asked for again."""
    folder = run.out / f"round-{number}"
    job = build_comparison(run, number, model)
    return run_claims(job, folder / "feedback", on_progress=name_progress(on_progress, folder.name))


def build_comparison(run: IterateRun, number: int, model: str) -> ClaimsJob:
    """Who compares the answers of a round that begins with this model, and how."""
    told, folder = run.feedback, run.out / f"round-{number}"
    return ClaimsJob(
        folder / "questions.jsonl",
        told.splitter,
        f"local:{model}" if told.labeller == SELF else told.labeller,
        answers=folder / "answers.jsonl",
        image_root=run.root,
        suffix=told.suffix,
        settings=replace(told.pairs, seed=find_seed(run, number)),
        cache=told.cache,
        max_pixels=run.generation.max_pixels if told.labeller == SELF or is_endpoint(told.labeller) else None,
        endpoint=EndpointSettings(reply_models=told.reply_models, timeout_s=told.timeout_s),
        max_tokens=told.max_tokens,
    )


def require_verdicts(compared: ClaimsRun, most_lost: float) -> None:
    """Raise JudgeError where more than this share of the answers could not be judged: a round would learn from part.

    Replies that cannot be read are not among them: asking again would not bring others.
    """
    answers = compared.judging.answers
    lost = [one for one in answers if one.failed and not (one.reply and one.reply.status == "unreadable")]
    if len(lost) > most_lost * len(answers):
        raise JudgeError(
            str(compared.folder.summary),
            expected=f"verdicts on all but {most_lost:.0%} of {len(answers)} answers",
            found=f"{len(lost)} without: {'; '.join(describe_reasons(compared.feedback.list_reasons()))}",
            fix="mend that, then the same command asks for these alone; or accept more with most_lost",
        )


def find_seed(run: IterateRun, number: int) -> int:
    """A round's own seed."""
    return run.seed + 1000 * number


def _write_start(model: str, folder: Path) -> str:
    """The model that training begins with; an adapter becomes one with its base, so that the reference is the round's
    own start and not the base without it."""
    if find_adapter(model) is None:
        return model
    merged = folder / "start"
    return str(merged if merged.is_dir() else merge_adapter(ModelSettings(model), merged))


def build_training(run: IterateRun, start: str, folder: Path, seed: int) -> TrainRun:
    """The settings of a round's training. Raises ConfigError."""
    stated = [*list_overrides(run.train), f"model.name={start}", f"data={folder / 'feedback' / 'records.jsonl'}"]
    stated += [f"out={folder / 'training'}", f"seed={seed}"]
    return load_settings(TrainRun, run.recipe, stated)
