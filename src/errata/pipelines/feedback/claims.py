"""`errata feedback claims`: questions with answers, a splitter and a labeller -> preference pairs.

What `errata feedback claims` would ask, before anybody is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from errata.data.shaping import ImageRule
from errata.feedback import (
    RULES,
    SPLIT,
    Candidates,
    Feedback,
    FeedbackFolder,
    JudgedAnswer,
    Judging,
    Labeller,
    Split,
    ToSplit,
    build_claim_pairs,
    build_label_calls,
    build_split_call,
    find_obstacle,
    judge_claims,
    list_judged,
    read_split,
    split_by_rules,
    write_feedback,
)
from errata.generation import read_failures, repeat_questions
from errata.judges import Estimate
from errata.pipelines.answering.answer import build_answerer
from errata.pipelines.feedback.claims_job import (
    ClaimsJob,
    build_labeller,
    build_split_judge,
    build_splitter,
    check_judges,
    check_sources,
    load_questions,
)
from errata.pipelines.progress import OnProgress
from errata.records import Answer, Question, read_answers
from errata.storage import remove_file, write_json_lines
from errata.text import find_spoken

CLAIMS_FILE = "claims.jsonl"
"""Beside the records: every answer with its claims and verdicts, those of no pair too."""
ANSWERS_FILE = "answers.jsonl"
NO_QUESTION = "answers to no question"


@dataclass(frozen=True, slots=True)
class ClaimsRun:
    """What came of a job: `lost` counts answers that could not be judged, and answers to no question."""

    feedback: Feedback
    judging: Judging
    folder: FeedbackFolder
    lost: int


def run_claims(
    job: ClaimsJob,
    out: str | Path,
    *,
    images: ImageRule = "link",
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> ClaimsRun:
    """Judge answers claim by claim and write the folder of pairs.

    What was asked is kept in the cache and answers in the folder: the same command goes on where it stopped. `fresh`
    lets the model answer again.

    Raises:
        ConfigError: Neither or both of answers and model, or a splitter or labeller that is none or lacks its key.
        DataError: Files that cannot be read.
        ModelError: A model that cannot be loaded or cannot say yes or no, or a labeller that sees no images.
        StorageError: The folder or the cache cannot be written.
    """
    split, label = build_splitter(job, _watch(on_progress, "claims")), build_labeller(job)
    check_sources(job)
    check_judges(job, label)
    if fresh:
        remove_file(Path(out) / ANSWERS_FILE)
    questions = load_questions(job)
    answers = _load_answers(job, questions, Path(out), on_progress)
    candidates, strays = join_answers(questions, answers, _find_unanswered(job, questions, Path(out)))
    judging = judge_claims(candidates, split, label, job.root, _watch(on_progress, "labels"))
    feedback = build_claim_pairs(candidates, judging, job.settings)
    feedback.settings |= _describe(job, label)
    feedback.report[NO_QUESTION] = strays
    feedback.report["labeller"] |= getattr(label.judge.backend, "findings", {})
    folder = write_feedback(out, feedback, job.root, images=images)
    write_json_lines(Path(out) / CLAIMS_FILE, list_judged(judging))
    return ClaimsRun(feedback, judging, folder, strays + sum(one.failed for one in judging.answers))


def _load_answers(
    job: ClaimsJob, questions: Sequence[Question], out: Path, on_progress: OnProgress | None
) -> list[Answer]:
    """Those that are there, or those that the model gives now; it is not asked what could not be judged."""
    if job.model is None:
        return read_answers(str(job.answers))
    open_ = [question for question in questions if not any(find_obstacle(question, job.root))]
    ask = build_answerer(job.model, job.root, job.generation, on_progress, job.endpoint)
    return ask(repeat_questions(open_, job.samples, job.generation), out / ANSWERS_FILE)


def _find_unanswered(job: ClaimsJob, questions: Sequence[Question], out: Path) -> dict[str, str]:
    """Why questions have no answers, by id: they were not asked, or the file beside the answers says it."""
    failures = read_failures(out / ANSWERS_FILE if job.answers is None else job.answers)
    reasons = {name: one.reason for one in failures for name in (one.id, one.id.rpartition("#")[0])}
    obstacles = {question.id: find_obstacle(question, job.root)[1] for question in questions}
    return reasons | {name: reason for name, reason in obstacles.items() if reason}


def join_answers(
    questions: Sequence[Question], answers: Sequence[Answer], unanswered: Mapping[str, str] | None = None
) -> tuple[list[Candidates], int]:
    """Every question with its answers (`unanswered` says why it has none), and how many answers belong to none.

    Answers come without a model's thoughts, unless these did not end.

    An answer belongs to the question of its id, of `sample_of` in its `meta`, or of its id before the last `#`.
    """
    found: dict[str, list[Answer]] = {question.id: [] for question in questions}
    strays = 0
    for answer in answers:
        names = (answer.id, str(answer.meta.get("sample_of", "")), answer.id.rpartition("#")[0])
        name = next((name for name in names if name in found), None)
        if name is None:
            strays += 1
        else:
            spoken = find_spoken(answer)
            found[name].append(answer if spoken.endless else spoken.answer)
    reasons = unanswered or {}
    return [Candidates(one, tuple(found[one.id]), reasons.get(one.id, "")) for one in questions], strays


def _describe(job: ClaimsJob, labeller: Labeller) -> dict[str, Any]:
    """What the records depend on besides how pairs are made."""
    prompts = {prompt.name: prompt.hash for prompt in (SPLIT, labeller.prompt)}
    who = {"splitter": job.splitter, "labeller": labeller.judge.describe(), "suffix": labeller.suffix}
    return who | {"prompts": prompts}


def _watch(on_progress: OnProgress | None, what: str) -> Callable[[int, int], None] | None:
    return None if on_progress is None else partial(on_progress, what)


WORDS_PER_CLAIM = 12
"""Of answers that do not exist yet."""


def plan_claims(job: ClaimsJob, out: str | Path) -> dict[str, Estimate | None]:
    """The cost of taking answers apart and of labelling their claims; None for a splitter by rules.

    Claims of answers that the cache does not know are counted as the splitter `rules` would make them; answers that
    are still to come are taken to be as long as they can get.

    Raises:
        As `run_claims`, without a model being asked.
    """
    check_sources(job)
    questions = load_questions(job)
    answers, to_come = _list_answers(job, questions, Path(out))
    candidates, _ = join_answers(questions, answers)
    open_ = [each for each in candidates if not any(find_obstacle(each.question, job.root))]
    splits = _guess_splits(job, open_, to_come)
    labeller = build_labeller(job)
    calls = [
        call
        for each in open_
        for answer in each.answers
        for call in build_label_calls(
            JudgedAnswer(each.question.id, answer, splits[answer.id]), each.question, labeller, job.root
        )
    ]
    return {"splitter": _estimate_splits(job, open_), "labeller": labeller.judge.estimate(calls)}


def _list_answers(job: ClaimsJob, questions: Sequence[Question], out: Path) -> tuple[list[Answer], set[str]]:
    """Those that are there, and stand-ins for the others, of which no two are alike; and the ids of these."""
    if job.answers is not None:
        return read_answers(job.answers), set()
    path = out / ANSWERS_FILE
    known = {answer.id: answer for answer in read_answers(path)} if path.is_file() else {}
    names = [question.id for question in repeat_questions(questions, job.samples, job.generation)]
    to_come = set(names) - known.keys()
    return [known.get(name) or _write_longest(name, job.generation.max_tokens) for name in names], to_come


def _write_longest(name: str, max_tokens: int) -> Answer:
    claims = max(1, max_tokens // WORDS_PER_CLAIM)
    return Answer(name, " ".join(f"{name} {n} {'word ' * (WORDS_PER_CLAIM - 3)}." for n in range(claims)))


def _list_items(candidates: Sequence[Candidates]) -> list[ToSplit]:
    return [
        ToSplit(answer.id, each.question.prompt[-1].text, answer.text)
        for each in candidates
        for answer in each.answers
        if answer.text.strip()
    ]


def _guess_splits(job: ClaimsJob, candidates: Sequence[Candidates], to_come: set[str]) -> dict[str, Split]:
    """What is known of each answer, or what the rules make of it."""
    items = _list_items(candidates)
    splits = {answer.id: Split() for each in candidates for answer in each.answers}
    rule = RULES.get(job.splitter, split_by_rules)
    splits |= {item.id: (split_by_rules if item.id in to_come else rule)(item) for item in items}
    if job.splitter not in RULES and job.cache_file.exists():
        said = build_split_judge(job, offline=True).ask([build_split_call(item) for item in items])
        splits |= {verdict.id: read_split(verdict) for verdict in said if verdict.status != "missing"}
    return splits


def _estimate_splits(job: ClaimsJob, candidates: Sequence[Candidates]) -> Estimate | None:
    if job.splitter in RULES:
        return None
    return build_split_judge(job).estimate([build_split_call(item) for item in _list_items(candidates)])
