"""An annotator who knows the truth, corrects answers segment by segment, and is as careless as people are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from errata.records import Record, Response, Segment, Turn
from errata.world.language import Claim, article, read_claims
from errata.world.scenes import COLOURS, POSITIONS, Scene, Thing


@dataclass(frozen=True, slots=True)
class Carelessness:
    """`missed_share` of the wrong segments stay as they are; `mistaken_share` of right claims get a wrong colour."""

    missed_share: float = 0.15
    mistaken_share: float = 0.01


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `start:end` of the original by `text`; `type` is the kind of hallucination that stood there."""

    start: int
    end: int
    text: str
    type: str


def correct_description(scene: Scene, text: str, care: Carelessness, rng: np.random.Generator) -> tuple[Edit, ...]:
    """The edits an annotator makes to a description, in order, not overlapping."""
    truth = {thing.cell: thing for thing in scene.things}
    unsaid = [thing for thing in scene.things if thing.cell not in {claim.cell for claim in read_claims(text)}]
    edits: list[Edit] = []
    said: set[int] = set()
    for claim in read_claims(text):
        repeated, thing = claim.cell in said, truth.get(claim.cell)
        said.add(claim.cell)
        wanted = _find_edits(text, claim, None if repeated else thing, unsaid)
        edits += [edit for edit in wanted if rng.random() >= care.missed_share]
        if not wanted and rng.random() < care.mistaken_share:
            edits.append(_recolour(claim, str(rng.choice([colour for colour in COLOURS if colour != claim.colour]))))
    return _without_overlap(edits)


def _without_overlap(edits: list[Edit]) -> tuple[Edit, ...]:
    """Two neighbouring deletions may both claim the blank between them: the first keeps it."""
    clipped: list[Edit] = []
    for edit in edits:
        end = clipped[-1].end if clipped else 0
        clipped.append(Edit(max(edit.start, end), edit.end, edit.text, edit.type))
    return tuple(clipped)


def _find_edits(text: str, claim: Claim, thing: Thing | None, unsaid: list[Thing]) -> list[Edit]:
    """What is wrong with one claim: nothing there, the wrong object, the wrong place or the wrong colour."""
    if thing is None:
        for other in unsaid:
            if (other.category, other.colour) == (claim.category, claim.colour):
                unsaid.remove(other)
                return [Edit(*claim.position_span, POSITIONS[other.cell], "position")]
        return [_delete(text, claim)]
    if thing.category != claim.category:
        phrase = f"{article(thing.colour)} {thing.colour} {thing.category}"
        return [Edit(claim.position_span[1] + 2, claim.category_span[1], phrase, "object")]
    return [] if thing.colour == claim.colour else [_recolour(claim, thing.colour)]


def _delete(text: str, claim: Claim) -> Edit:
    """Take the sentence out with the blank after it, or before it where it is the last."""
    if claim.end < len(text):
        return Edit(claim.start, claim.end + 1, "", "object")
    return Edit(max(claim.start - 1, 0), claim.end, "", "object")


def _recolour(claim: Claim, colour: str) -> Edit:
    start = claim.position_span[1] + 2
    return Edit(start, claim.colour_span[1], f"{article(colour)} {colour}", "attribute")


def correct_verdict(
    scene: Scene, category: str, text: str, care: Carelessness, rng: np.random.Generator
) -> tuple[Edit, ...]:
    """Correct a yes/no answer about a category: the whole answer is one segment."""
    right = "Yes" if category in scene.objects else "No"
    if text == right or rng.random() < care.missed_share:
        return ()
    return (Edit(0, len(text), right, "object"),)


def apply_edits(text: str, edits: tuple[Edit, ...]) -> tuple[str, tuple[Segment, ...]]:
    """The corrected text, and the segments with spans on both sides."""
    corrected, segments, at = "", [], 0
    for edit in edits:
        corrected += text[at : edit.start]
        better_start = len(corrected)
        corrected += edit.text
        segments.append(Segment(edit.start, edit.end, better_start, len(corrected), edit.type))
        at = edit.end
    return corrected + text[at:], tuple(segments)


def build_correction(
    record_id: str, image: str, question: str, original: str, edits: tuple[Edit, ...], model: str
) -> Record | None:
    """A preference record: the corrected text above the original. None where nothing changed or nothing is left."""
    corrected, segments = apply_edits(original, edits)
    if corrected.strip() == original.strip() or not corrected.strip():
        return None
    better = Response((Turn("assistant", corrected),), level=0, model=f"{model}, corrected")
    worse = Response((Turn("assistant", original),), level=1, segments=segments, model=model)
    return Record(record_id, (image,), (Turn("user", question),), (better, worse), source="errata world")
