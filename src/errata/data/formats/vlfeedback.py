"""VLFeedback: four answers of different models to a prompt, each rated by GPT-4V in three respects (arXiv 2410.09421).

Columns are `id, prompt, completions, img_path` (or `image`). Raw, `completions` is a list of `{"annotations", "model",
"response"}`; on the Hub it is one object of three lists. `annotations` is `{aspect: {"Rating": text, "Rationale"}}`.

The mean of an answer's ratings decides its level; equal means are one level, as no index should break a tie. Where an
answer has no number for an aspect ("N/A"), the levels come from the aspects for which all answers of the row have one.
An answer without any is left out, and so is one that repeats a better one word for word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from errata.data.formats.format import Format, ReadContext, Sample, reads
from errata.data.formats.parts import STATED, build_row_record
from errata.data.formats.pictures import list_images
from errata.data.rows import Row
from errata.errors import count_noun, quote
from errata.records import Record, Response, Turn

ASPECTS = ("Helpfulness", "Ethical Considerations", "Visual Faithfulness")


class _Rated(NamedTuple):
    ratings: dict[str, float]
    text: str
    model: str | None

    def mean(self, aspects: Sequence[str]) -> float:
        return math.fsum(self.ratings[aspect] for aspect in aspects) / len(aspects)


def _recognise(sample: Sample) -> bool:
    if not {"prompt", "completions"} <= sample.names:
        return False
    completions = sample.row["completions"]
    rated = next(iter(completions), None) if isinstance(completions, (list, tuple)) else completions
    return not isinstance(rated, Mapping) or "annotations" in rated  # other people rate with one number


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    if not isinstance(row.get("prompt"), str):
        raise context.error("'prompt' as text", type(row.get("prompt")).__name__)
    rated = [_rate(one, context) for one in _list_completions(row.get("completions"), context)]
    aspects = _find_aspects(rated, context)
    answers = _rank([one for one in rated if one.ratings], aspects, context)
    means = sorted({answer.mean(aspects) for answer in answers}, reverse=True)
    responses = [
        Response((Turn("assistant", one.text),), means.index(one.mean(aspects)), (), one.model) for one in answers
    ]
    yield build_row_record(
        row,
        context,
        list_images(row, context),
        (Turn("user", row["prompt"]),),
        tuple(responses),
        meta={"ratings": [answer.ratings for answer in answers]},
    )


def _find_aspects(rated: list[_Rated], context: ReadContext) -> list[str]:
    """The aspects for which all answers that have a rating have one."""
    numbered = [one.ratings for one in rated if one.ratings]
    context.notes["answers without a rating that is a number"] += len(rated) - len(numbered)
    aspects = [aspect for aspect in ASPECTS if all(aspect in ratings for ratings in numbered)]
    if not numbered or not aspects:
        found = f"none among {count_noun(len(rated), 'answer')}"
        raise context.error("an aspect that all answers have a number for", found, "drop the row")
    context.told["rows ranked by the aspects that all answers have a number for"] += len(aspects) < len(ASPECTS)
    return aspects


def _list_completions(completions: Any, context: ReadContext) -> list[Mapping[str, Any]]:
    if isinstance(completions, Mapping):
        columns = [completions.get(name) for name in ("annotations", "model", "response")]
        if all(isinstance(column, (list, tuple)) for column in columns) and len({len(c or ()) for c in columns}) == 1:
            annotations, models, texts = columns
            rows = zip(annotations or (), models or (), texts or (), strict=True)
            return [{"annotations": a, "model": m, "response": t} for a, m, t in rows]
    elif isinstance(completions, (list, tuple)) and all(isinstance(one, Mapping) for one in completions):
        return list(completions)
    fix = "fix the row; or name ratings of another kind, --columns prompt=prompt,responses=completions,ratings=COLUMN"
    expected = "'completions' as a list of {annotations, model, response}, or an object of three lists of one length"
    raise context.error(expected, quote(completions), fix)


def _rate(completion: Mapping[str, Any], context: ReadContext) -> _Rated:
    """An answer with those of its ratings that are numbers."""
    text, model, annotations = (completion.get(name) for name in ("response", "model", "annotations"))
    if not isinstance(text, str) or not isinstance(annotations, Mapping):
        raise context.error("completions with 'response' as text and 'annotations'", quote(completion))
    ratings = {aspect: _read_rating(annotations.get(aspect)) for aspect in ASPECTS}
    numbers = {aspect: rating for aspect, rating in ratings.items() if rating is not None}
    return _Rated(numbers, text, model if isinstance(model, str) and model else None)


def _read_rating(annotation: Any) -> float | None:
    value = annotation.get("Rating") if isinstance(annotation, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _rank(answers: list[_Rated], aspects: Sequence[str], context: ReadContext) -> list[_Rated]:
    """Best first, answers of one mean in their order."""
    ranked = sorted(answers, key=lambda answer: -answer.mean(aspects))
    different = {answer.text: answer for answer in reversed(ranked)}
    context.notes["answers that repeat another one"] += len(ranked) - len(different)
    return [answer for answer in ranked if different[answer.text] is answer]


VLFEEDBACK = Format(
    "vlfeedback",
    "VLFeedback (raw and Hub)",
    _recognise,
    _read_row,
    reads=reads("prompt", "completions", "models", *STATED),
)
