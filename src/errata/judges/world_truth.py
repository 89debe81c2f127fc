"""The synthetic world's annotator as a scripted judge: what a perfect judge would find in an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from errata.errors import DataError
from errata.judges.backend import JudgeRequest
from errata.judges.calls import JudgeCall
from errata.judges.scripted import Rule
from errata.world import Carelessness, Scene, apply_edits, correct_description, read_claims

PERFECT = Carelessness(missed_share=0.0, mistaken_share=0.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the annotator found.

    Attributes:
        scene: The truth.
        answer: The text that was judged.
        claims: Sentences about the scene in it.
        errors: The kinds of its errors, one for each correction: object, attribute, position.
        corrected: The text with all errors corrected.
    """

    scene: Scene
    answer: str
    claims: int
    errors: tuple[str, ...]
    corrected: str


def build_world_rule(
    scenes: Iterable[Scene], reply: Callable[[JudgeCall, Finding], str], *, slot: str = "answer"
) -> Rule:
    """A rule that knows the truth.

    Args:
        scenes: Those that may be asked about; a call's first image is `SCENE_ID.png`.
        reply: Words the finding as the prompt wants it.
        slot: Of the prompt, that holds the text to be judged.

    Returns:
        A rule for `ScriptedJudge`; it raises DataError on a call about another scene.
    """
    known = {scene.id: scene for scene in scenes}

    def rule(request: JudgeRequest) -> str:
        call = request.call
        name = call.images[0].stem if call.images else "no image"
        if name not in known or not isinstance(call.values.get(slot), str):
            raise DataError(
                f"judge call {call.id!r}",
                expected=f"the image of a known scene, and a text in {slot!r}",
                found=name,
                fix="judge this one with another judge",
            )
        return reply(call, find_errors(known[name], str(call.values[slot])))

    return rule


def find_errors(scene: Scene, answer: str) -> Finding:
    """What is wrong in a description of a scene."""
    edits = correct_description(scene, answer, PERFECT, np.random.default_rng(0))
    corrected, segments = apply_edits(answer, edits)
    kinds = tuple(segment.type or "" for segment in segments)
    return Finding(scene, answer, len(read_claims(answer)), kinds, corrected)
