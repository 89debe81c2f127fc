"""VLFeedback: four answers of different models to a prompt, each rated by GPT-4V in three respects (arXiv 2410.09421).

Columns are `id, prompt, completions, img_path` (or `image`). Raw, `completions` is a list of `{"annotations", "model",
"response"}`; on the Hub it is one object of three lists. `annotations` is `{aspect: {"Rating": text, "Rationale"}}`.

The mean of an answer's three ratings decides its level; equal means are one level, as no index should break a tie. An
answer with a rating that is no number is left out, and so is one that repeats a better one word for word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from errata.data.containers import Row
from errata.data.formats.format import Format, ReadContext, Sample
from errata.records import Record, Response, Turn

ASPECTS = ("Helpfulness", "Ethical Considerations", "Visual Faithfulness")


class _Rated(NamedTuple):
    ratings: tuple[float, ...]
    text: str
    model: str | None

    @property
    def mean(self) -> float:
        return math.fsum(self.ratings) / len(self.ratings)


def _recognise(sample: Sample) -> bool:
    return {"prompt", "completions"} <= sample.names


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    if not isinstance(row.get("prompt"), str):
        raise context.error("'prompt' as text", type(row.get("prompt")).__name__)
    answers = _rank([_rate(one, context) for one in _list_completions(row.get("completions"), context)], context)
    picture = row["image"] if row.get("image") is not None else row.get("img_path")
    means = sorted({answer.mean for answer in answers}, reverse=True)
    responses = [
        Response((Turn("assistant", answer.text),), means.index(answer.mean), (), answer.model) for answer in answers
    ]
    yield context.build_record(
        id=str(row.get("id") or f"vlfeedback-{context.number}"),
        images=context.store([picture]) if picture is not None else (),
        prompt=(Turn("user", row["prompt"]),),
        responses=tuple(responses),
        source="VLFeedback",
        meta={"ratings": [dict(zip(ASPECTS, answer.ratings, strict=True)) for answer in answers]},
    )


def _list_completions(completions: Any, context: ReadContext) -> list[Mapping[str, Any]]:
    if isinstance(completions, Mapping):
        columns = [completions.get(name) for name in ("annotations", "model", "response")]
        if all(isinstance(column, (list, tuple)) for column in columns) and len({len(c or ()) for c in columns}) == 1:
            annotations, models, texts = columns
            rows = zip(annotations or (), models or (), texts or (), strict=True)
            return [{"annotations": a, "model": m, "response": t} for a, m, t in rows]
    elif isinstance(completions, (list, tuple)) and all(isinstance(one, Mapping) for one in completions):
        return list(completions)
    raise context.error(
        "'completions' as a list of {annotations, model, response}, or an object of three lists of one length",
        f"{completions!r}"[:80],
    )


def _rate(completion: Mapping[str, Any], context: ReadContext) -> _Rated | None:
    """An answer with its ratings; None where one of them is no number."""
    text, model, annotations = (completion.get(name) for name in ("response", "model", "annotations"))
    if not isinstance(text, str) or not isinstance(annotations, Mapping):
        raise context.error("completions with 'response' as text and 'annotations'", f"{completion!r}"[:80])
    ratings = [_read_rating(annotations.get(aspect)) for aspect in ASPECTS]
    numbers = tuple(rating for rating in ratings if rating is not None)
    if len(numbers) < len(ASPECTS):
        context.notes["answers with a rating that is no number"] += 1
        return None
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


def _rank(answers: list[_Rated | None], context: ReadContext) -> list[_Rated]:
    """Best first, answers of one mean in their order."""
    rated = sorted((answer for answer in answers if answer is not None), key=lambda answer: -answer.mean)
    if not rated:
        raise context.error("an answer whose three ratings are numbers", f"none of {len(answers)}", "drop the row")
    different = {answer.text: answer for answer in reversed(rated)}
    context.notes["answers that repeat another one"] += len(rated) - len(different)
    return [answer for answer in rated if different[answer.text] is answer]


VLFEEDBACK = Format("vlfeedback", "VLFeedback (raw and Hub)", _recognise, _read_row)
