"""What became of every answer and every prompt on the way to pairs: counts that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from errata.feedback.claim_judging import JudgedAnswer
from errata.feedback.claim_pairs import ClaimPair
from errata.feedback.tally import Tally

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
