"""What one annotator said about the answers to a question, as records. Label Studio and Argilla lead here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from errata.data.formats.format import ReadContext
from errata.data.formats.marks import Mark, segments_from_marks
from errata.data.text_limits import MAX_CHARACTERS
from errata.errors import count_noun
from errata.records import Record, Response, Segment, Turn

IMAGES = ("image", "images", "img", "image_url", "image_path", "picture", "photo")
ANSWERS = ("response", "answer", "output", "completion", "caption", "description", "text", "rejected")
"""Usual names of fields, where `--columns prompt=… image=… response=…` names none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One annotator's work on one question; answers are known by the name of their field.

    Args:
        levels: 0 for the best answer; equal numbers are ties.
        corrections: What an answer should have said.
        marks: Spans of an answer that are wrong.
        meta: What else to keep (who it was, comments).
    """

    levels: Mapping[str, float] = field(default_factory=dict)
    corrections: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


def build_records(answers: Mapping[str, str], verdict: Verdict, context: ReadContext, **fields: Any) -> list[Record]:
    """One record for each answer that was corrected, its correction above it, or else one of the ranked answers.

    Args:
        answers: Their texts by the name of their field.
        verdict: What the annotator said about them.
        context: The row's.
        fields: `id`, `prompt` (turns), `images` and what else every record gets.

    Raises:
        DataError: Nothing that makes one answer better than another.
    """
    changed = {name: text for name, text in verdict.corrections.items() if text.strip() and text != answers[name]}
    if not changed:
        if len(set(verdict.levels.values())) < 2:
            fix = "add a corrected text, a choice, a rating or a ranking; a supervised answer needs another format"
            raise context.error("answers of which one is better", _describe(answers, verdict), fix)
        return [_build(_rank(answers, verdict.levels), verdict, context, fields)]
    records = []
    for number, (name, text) in enumerate(changed.items(), 1):
        below = {**{other: level + 1 for other, level in verdict.levels.items()}}
        below.setdefault(name, 1.0)
        levels = {"": min(below.values()) - 1, **below}
        own = {**fields, "id": fields["id"] if len(changed) == 1 else f"{fields['id']}-{number}"}
        records.append(_build(_rank({"": text, **answers}, levels), verdict, context, own))
    return records


def _rank(answers: Mapping[str, str], levels: Mapping[str, float]) -> list[tuple[str, str, int]]:
    """(name, text, level) of the answers that have a level, best first, levels without gaps."""
    numbers = {value: number for number, value in enumerate(sorted(set(levels.values())))}
    ranked = [(name, answers[name], numbers[level]) for name, level in levels.items()]
    return sorted(ranked, key=lambda answer: answer[2])


def _build(
    ranked: list[tuple[str, str, int]], verdict: Verdict, context: ReadContext, fields: Mapping[str, Any]
) -> Record:
    best, unused = ranked[0][1], []
    responses = []
    for name, text, level in ranked:
        segments: tuple[Segment, ...] = ()
        marks = verdict.marks.get(name, ())
        if level and marks and max(len(text), len(best)) <= MAX_CHARACTERS:
            segments, marks = segments_from_marks(text, best, marks)
        unused += [{"answer": name, "start": one.start, "end": one.end, "label": one.label} for one in marks]
        responses.append(Response((Turn("assistant", text),), level, segments))
    meta = {**fields.get("meta", {}), **verdict.meta} | ({"unused_marks": unused} if unused else {})
    return context.build_record(**{**fields, "responses": tuple(responses), "meta": meta})


def _describe(answers: Mapping[str, str], verdict: Verdict) -> str:
    if verdict.corrections:
        return "a correction that changes nothing"
    if verdict.levels:
        return "a tie" if len(verdict.levels) > 1 else "one answer"
    return f"{count_noun(len(answers), 'answer')} and " + ("marks alone" if verdict.marks else "no word about them")
