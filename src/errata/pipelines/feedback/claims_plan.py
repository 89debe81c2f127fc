"""What `errata feedback claims` would ask, before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from errata.feedback import (
    RULES,
    Candidates,
    JudgedAnswer,
    Split,
    ToSplit,
    build_label_calls,
    build_split_call,
    find_obstacle,
    read_split,
    split_by_rules,
)
from errata.generation import repeat_questions
from errata.judges import Estimate
from errata.pipelines.feedback.claims import ANSWERS_FILE, join_answers
from errata.pipelines.feedback.claims_job import (
    ClaimsJob,
    build_labeller,
    build_split_judge,
    check_sources,
    load_questions,
)
from errata.records import Answer, Question, read_answers

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
