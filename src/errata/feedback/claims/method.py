"""Divide and conquer: judged answers -> preference pairs (RLAIF-V, arXiv 2405.17220).

What became of every answer and every prompt on the way to pairs: counts that add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from errata.endpoints import find_remedy
from errata.errors import ConfigError
from errata.feedback.claims.judging import Candidates, JudgedAnswer, Judging, list_unjudged
from errata.feedback.claims.pairs import ClaimPair, JudgedResponse, draw_pairs, find_pairs
from errata.feedback.outcome import Feedback, Tally
from errata.feedback.style import LengthBalance, StyleRule, Unfit, count_words, find_unfit
from errata.records import Missing, Question, Record, Response, Turn, count_reasons, describe_answers

IN_A_PAIR = "in a pair"
NOT_APART = "no other answer with more or fewer rejected claims"
NOT_DRAWN = "pairs not drawn"
NO_ANSWERS = "no answers"


class Stages:
    """How far answers came.

    Args:
        found: All pairs that the scores allow.
        drawn: Those that were drawn.
        unfit: Numbers of drawn pairs that went for their lengths, and why.
    """

    def __init__(self, found: Sequence[ClaimPair], drawn: Sequence[ClaimPair], unfit: Mapping[int, str]) -> None:
        self._found = _name_answers(found)
        self._kept = _name_answers([pair for number, pair in enumerate(drawn) if number not in unfit])
        self._unfit = {name: reason for number, reason in unfit.items() for name in _name_answers([drawn[number]])}

    def name_fate(self, one: JudgedAnswer) -> str:
        """What became of an answer."""
        if one.problem:
            return one.problem
        name = one.answer.id
        if name in self._kept:
            return IN_A_PAIR
        return self._unfit.get(name, NOT_DRAWN if name in self._found else NOT_APART)

    def name_length(self, answers: Sequence[JudgedAnswer]) -> str:
        """Why pairs of these answers went for their lengths; empty where none did."""
        return next((self._unfit[one.answer.id] for one in answers if one.answer.id in self._unfit), "")

    def count_answers(self, answers: Sequence[JudgedAnswer]) -> dict[str, int]:
        """All answers, and by what became of them; these add up."""
        fates = Counter(self.name_fate(one) for one in answers)
        return {"answers": len(answers), IN_A_PAIR: fates.pop(IN_A_PAIR, 0), **dict(fates.most_common())}


def count_prompts(
    by_prompt: Mapping[str, Sequence[JudgedAnswer]], stages: Stages, unanswered: Mapping[str, str]
) -> Tally:
    """What became of every prompt: it has a record, failed, or was left out.

    `unanswered` says by id why a prompt has no answers, as far as that is known.
    """
    tally = Tally(len(by_prompt))
    for prompt, answers in by_prompt.items():
        fates = Counter(stages.name_fate(one) for one in answers)
        failed = Counter(one.problem for one in answers if one.failed)
        said = ", ".join(f"{count} {what}" for what, count in fates.most_common())
        if fates[IN_A_PAIR]:
            tally.keep()
        elif not answers:
            tally.fail(prompt, NO_ANSWERS, unanswered[prompt])
        elif failed:
            reason = failed.most_common(1)[0][0]
            tally.fail(prompt, reason, next(one.detail for one in answers if one.failed and one.problem == reason))
        elif sum(one.response is not None for one in answers) < 2:
            tally.drop(prompt, "fewer than two answers with claims", said)
        else:
            tally.drop(prompt, stages.name_length(answers) or NOT_APART, said)
    return tally


def _name_answers(pairs: Sequence[ClaimPair]) -> set[str]:
    return {response.id for pair in pairs for response in (pair.chosen, pair.rejected)}


@dataclass(frozen=True, slots=True)
class ClaimSettings:
    """How judged answers become pairs; the defaults are RLAIF-V's.

    Args:
        gap: Least difference of rejected claims in a pair.
        pairs: Most pairs of one prompt.
        length_balance, max_length_factor: Which pairs go for their lengths, as `StyleRule` says.
        seed: Of the draw.
    """

    gap: int = 1
    pairs: int = 2
    length_balance: LengthBalance | None = "lengths"
    seed: int = 0
    max_length_factor: float | None = None

    def __post_init__(self) -> None:
        for name in ("gap", "pairs"):
            if getattr(self, name) < 1:
                raise ConfigError(name, expected="at least 1", found=str(getattr(self, name)), fix="change the setting")
        _ = self.style  # raises on what is none

    @property
    def style(self) -> StyleRule:
        """Which pairs go for their lengths."""
        return StyleRule(self.max_length_factor, self.length_balance)


def build_claim_pairs(candidates: Sequence[Candidates], judging: Judging, settings: ClaimSettings) -> Feedback:
    """Pairs of answers to one prompt, the one with fewer rejected claims above the other.

    Claims with their verdicts stay in `meta["claims"]`, one entry a response. Report: what became of every answer, how
    many claims there were and stood, and the pairs before and after the draw and the guard of style.

    Args:
        candidates: As they were judged.
        judging: What `judge_claims` gave for them.
        settings: Which pairs.
    """
    by_prompt: dict[str, list[JudgedAnswer]] = {each.question.id: [] for each in candidates}
    for one in judging.answers:
        by_prompt[one.prompt_id].append(one)
    found = {
        prompt: find_pairs(prompt, [one.response for one in some if one.response is not None], settings.gap)
        for prompt, some in by_prompt.items()
    }
    drawn = [pair for pairs in found.values() for pair in draw_pairs(pairs, settings.pairs, settings.seed)]
    unfit = find_unfit([_take_responses(pair) for pair in drawn], settings.style)
    kept = [pair for number, pair in enumerate(drawn) if number not in unfit.reasons]
    everything = [pair for pairs in found.values() for pair in pairs]
    stages = Stages(everything, drawn, unfit.reasons)
    models = {one.answer.id: one.answer.model for one in judging.answers}
    lost = list_unjudged(judging) + _list_unanswered(candidates)
    report = {
        "answers": stages.count_answers(judging.answers),
        "claims": _count_claims(judging.answers),
        "pairs": {"found": len(everything), "drawn": len(drawn), "kept": len(kept)},
        "style_guard": _describe_unfit(drawn, kept, unfit),
        "answered": {"answers": describe_answers([one.answer for one in judging.answers])},
        "splitter": _leave_reasons_out(judging.splitter),
        "labeller": _leave_reasons_out(judging.labeller),
        "reasons": count_reasons(lost),
    }
    return Feedback(
        "claims",
        _build_records(candidates, kept, models),
        count_prompts(by_prompt, stages, {each.question.id: each.unanswered for each in candidates}),
        asdict(settings),
        report,
    )


def _list_unanswered(candidates: Sequence[Candidates]) -> list[Missing]:
    """The questions without answers, and why, as far as that is known."""
    return [
        Missing(one.question.id, NO_ANSWERS, one.unanswered or NO_ANSWERS, find_remedy(one.unanswered))
        for one in candidates
        if not one.answers
    ]


def _leave_reasons_out(judge: dict[str, Any]) -> dict[str, Any]:
    """What is said about a judge; the reasons of both stand together."""
    return {name: value for name, value in judge.items() if name != "reasons"}


def _describe_unfit(drawn: Sequence[ClaimPair], kept: Sequence[ClaimPair], unfit: Unfit) -> dict[str, Any]:
    return unfit.describe() | {"words_before": _measure_words(drawn), "words_after": _measure_words(kept)}


def _measure_words(pairs: Sequence[ClaimPair]) -> dict[str, float] | None:
    """Mean words of chosen and rejected texts."""
    if not pairs:
        return None
    chosen, rejected = (map(count_words, side) for side in zip(*map(_take_responses, pairs), strict=True))
    return {"chosen": round(fmean(chosen), 2), "rejected": round(fmean(rejected), 2)}


def _take_responses(pair: ClaimPair) -> tuple[Response, Response]:
    better, worse = (
        Response((Turn("assistant", side.text),), level) for level, side in enumerate((pair.chosen, pair.rejected))
    )
    return better, worse


def _count_claims(answers: Sequence[JudgedAnswer]) -> dict[str, int]:
    """Claims with a verdict, how many were rejected, and what splitting left out; of all answers."""
    verdicts = [verdict for one in answers if one.response is not None for verdict in one.response.verdicts]
    splits = [one.split for one in answers if one.split is not None]
    return {
        "claims": sum(len(split.claims) for split in splits),
        "with_verdicts": len(verdicts),
        "rejected": sum(not verdict.ok for verdict in verdicts),
        "equal_questions_merged": sum(split.merged for split in splits),
        "lines_that_are_no_claims": sum(split.ignored for split in splits),
    }


def _build_records(
    candidates: Sequence[Candidates], pairs: Sequence[ClaimPair], models: dict[str, str]
) -> list[Record]:
    questions = {each.question.id: each.question for each in candidates}
    numbers: Counter[str] = Counter()
    records = []
    for pair in pairs:
        numbers[pair.prompt_id] += 1
        records.append(_build_record(questions[pair.prompt_id], pair, numbers[pair.prompt_id], models))
    return records


def _build_record(question: Question, pair: ClaimPair, number: int, models: dict[str, str]) -> Record:
    sides = (pair.chosen, pair.rejected)
    responses = tuple(
        Response((Turn("assistant", side.text),), level, model=models[side.id] or None)
        for level, side in enumerate(sides)
    )
    meta = question.meta | {"claims": [describe_response(side) for side in sides]}
    return Record(
        f"{question.id}@{number}",
        question.images,
        question.prompt,
        responses,
        source="errata feedback claims",
        meta=meta,
    )


def describe_response(response: JudgedResponse) -> dict[str, Any]:
    """A judged response as it stands in a record: its score, and its claims with their verdicts."""
    claims = [
        {"claim": one.claim, "question": one.question, "p_yes": one.p_yes, "p_no": one.p_no, "ok": one.ok}
        for one in response.verdicts
    ]
    return {"answer": response.id, "score": response.score, "claims": claims}


def list_judged(judging: Judging) -> list[dict[str, Any]]:
    """Every judged answer as a JSON row: its claims with their verdicts, or why there are none."""
    rows = []
    for one in judging.answers:
        found = {} if one.response is None else describe_response(one.response)
        row = {"prompt": one.prompt_id, "answer": one.answer.id, "text": one.answer.text}
        rows.append(row | {"problem": one.problem, "detail": one.detail} | found)
    return rows
