"""How often a labeller is right, where the truth is known: the synthetic world's scenes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from errata.feedback.claims.judging import JudgedAnswer
from errata.world import CATEGORIES, Scene, exists_question

_CATEGORY = {exists_question(category): category for category in CATEGORIES}
_QUESTION = re.compile("|".join(re.escape(question) for question in _CATEGORY))


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Verdicts on claims against the truth, every question about a scene counted once.

    Attributes:
        verdicts: How many were compared.
        right: Of these, those that agree.
        true_claims, true_accepted: Claims that are true, and of these those that the labeller accepted.
        false_claims, false_rejected: Claims that are false, and of these those that it rejected.
        unknown: Claims that the scenes do not decide, left out.
    """

    verdicts: int
    right: int
    true_claims: int
    true_accepted: int
    false_claims: int
    false_rejected: int
    unknown: int

    @property
    def share(self) -> float | None:
        """The share of verdicts that agree; None where there are none."""
        return self.right / self.verdicts if self.verdicts else None


def find_truth(scene: Scene, question: str) -> bool | None:
    """The right answer to a yes/no question about a scene; None where it asks for something else."""
    asked = _QUESTION.search(question)
    return None if asked is None else _CATEGORY[asked[0]] in scene.objects


def measure_label_agreement(scenes: Mapping[str, Scene], answers: Iterable[JudgedAnswer]) -> LabelAgreement:
    """Compare the verdicts on answers with the truth.

    Args:
        scenes: By the id of the prompt; prompts without a scene are counted as unknown.
        answers: What `judge_claims` gave; answers without verdicts are passed over.
    """
    verdicts = {
        (one.prompt_id, verdict.question): verdict.ok
        for one in answers
        if one.response is not None
        for verdict in one.response.verdicts
    }
    known, unknown = [], 0
    for (prompt, question), accepted in verdicts.items():
        scene = scenes.get(prompt)
        truth = None if scene is None else find_truth(scene, question)
        if truth is None:
            unknown += 1
        else:
            known.append((truth, accepted))
    of_true, of_false = ([accepted for truth, accepted in known if truth is side] for side in (True, False))
    right = sum(of_true), len(of_false) - sum(of_false)
    return LabelAgreement(len(known), sum(right), len(of_true), right[0], len(of_false), right[1], unknown)
