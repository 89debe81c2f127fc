"""A judge's minimal corrections of answers -> pairs with typed segments, marked as machine-made.

What a judge is asked who corrects answers, and how its reply is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from errata.corrections import diff_segments
from errata.data import REWRITE_LEAST, REWRITE_RATIO, measure_edit_ratio
from errata.errors import ConfigError
from errata.feedback.claims import NO_PICTURE, find_lost_image
from errata.feedback.outcome import Feedback, Tally
from errata.images import resolve_image
from errata.judges import Judge, JudgeCall, JudgePrompt, Verdict, disarm, summarise
from errata.records import SEGMENT_TYPES, Record, Response, Segment, Turn

NOTHING = "NOTHING WRONG"

CORRECT = JudgePrompt(
    name="correct-answer",
    version=1,
    text=(
        "Below are a question about the image and an answer to it. Find what the answer says wrongly about the image, "
        "and correct it in place.\n{question}\n{answer}\n"
        "Wrong is what the image contradicts and what is not in the image, of one of these types:\n"
        "object: a thing, person or animal that is not there or is another one\n"
        "position: a place, direction or relation in space\n"
        "number: how many there are\n"
        "attribute: a colour, shape, material, size, text or other property\n"
        "action: what somebody or something does\n"
        "misc: anything else\n"
        "Change as few words as you can. Replace wrong words by right ones; take out what is said about things that "
        "are not there. Keep everything else letter by letter, its order, wording, style and marks included, and add "
        "nothing that the answer does not speak about. What you cannot see clearly stays as it is.\n"
        "Reply first with one line for each error, with nothing behind the arrow where the words go without a "
        "replacement:\n"
        "- TYPE: WRONG WORDS => RIGHT WORDS\n"
        "and then with the whole corrected answer between these two lines:\n"
        "<corrected>\n"
        "</corrected>\n"
        f"If nothing is wrong, reply with this one line instead:\n{NOTHING}"
    ),
    max_tokens=2048,
)

_TYPES = "|".join(SEGMENT_TYPES)
_ERROR = re.compile(
    rf"^[ \t*•-]*({_TYPES})[ \t*]*:[ \t]*(.*?)[ \t]*(?:=>|→)[ \t]*(.*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE
)
_BLOCK = re.compile(r"^[ \t]*<corrected>(.*?)</corrected>[ \t]*$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_NOTHING = re.compile(rf"^\W*{NOTHING}\W*$", re.IGNORECASE | re.MULTILINE)
_QUOTES = "\"'“”‘’`"


def parse_correction(reply: str) -> dict[str, Any]:
    """The corrected text and the errors that a reply names.

    Returns:
        `corrected`, None where nothing is wrong, and `errors` as lists of type, wrong words and right words.

    Raises:
        ValueError: No corrected answer, several, or one beside the line that says that nothing is wrong.
    """
    blocks = {block.strip() for block in _BLOCK.findall(reply)}
    outside = _BLOCK.sub("", reply)
    nothing = _NOTHING.search(outside) is not None
    if len(blocks) + nothing != 1:
        raise ValueError(f"{len(blocks)} corrected answers" + (" and nothing wrong" if nothing else ""))
    errors = [[kind.lower(), *(words.strip(_QUOTES) for words in pair)] for kind, *pair in _ERROR.findall(outside)]
    return {"corrected": blocks.pop() if blocks else None, "errors": [] if nothing else errors}


@dataclass(frozen=True, slots=True)
class CorrectionSettings:
    """What counts as a correction.

    Args:
        max_edit: A reply that changes more than this share of both texts is a rewrite and is dropped, if one of them
            has `REWRITE_LEAST` characters: a correction of `Yes.` changes all of it.
    """

    max_edit: float = REWRITE_RATIO

    def __post_init__(self) -> None:
        if not 0 < self.max_edit <= 1:
            raise ConfigError(
                "max_edit", expected="a share above 0, at most 1", found=str(self.max_edit), fix="change --max-edit"
            )


def build_calls(record: Record, root: str | Path) -> list[JudgeCall]:
    """One call for each round of the record's lowest response; the question is all that was said before.

    Raises:
        DataError: An image that leads out of `root`.
    """
    response = record.responses[-1]
    images = tuple(resolve_image(image, root) for image in record.images)
    said = [*record.prompt]
    calls: list[JudgeCall] = []
    for turn in response.turns:
        if turn.role == "assistant":
            name = record.id if not calls else f"{record.id} round {len(calls) + 1}"
            values = {"question": _tell(said), "answer": turn.text}
            calls.append(JudgeCall(name, CORRECT, values, parse_correction, images))
        said.append(turn)
    return calls


def is_quotable(record: Record) -> bool:
    """Whether a judge sees the answer as it stands: control marks in it are shown to a judge in other brackets."""
    return all(disarm(text) == text for text in record.responses[-1].rounds)


def correct_answers(
    records: Sequence[Record],
    judge: Judge,
    root: str | Path,
    settings: CorrectionSettings | None = None,
    *,
    tally: Tally | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Feedback:
    """Have the lowest response of every record corrected, and put the corrected text above it.

    Segments are those of the word-level difference; each has the type of the error that the judge named there, None
    where it named none or several types. `meta.corrected_by` and the name of the better response's model say that a
    machine made it, `meta.named_errors` what the judge named.

    Args:
        records: With ids that occur once.
        judge: Who corrects; of several samples the first readable one counts.
        root: Where image paths start.
        settings: What counts as a correction.
        tally: What was dropped before, if anything; its prompts include the records.
        on_progress: Called with (verdicts so far, verdicts in all).

    Raises:
        StorageError: The judge's cache cannot be used.
    """
    settings = settings or CorrectionSettings()
    tally, kept = tally or Tally(len(records)), []
    asked = []
    for record in records:
        if lost := find_lost_image(record.images, root):
            tally.fail(record.id, NO_PICTURE, lost)
        elif not is_quotable(record):
            tally.drop(record.id, "control marks in the answer", "a judge would see others in their place")
        else:
            asked.append(record)
    calls = [build_calls(record, root) for record in asked]
    flat = [call for one in calls for call in one]
    verdicts = judge.ask(flat, on_progress)
    waiting = iter(verdicts)
    for record, own in zip(asked, calls, strict=True):
        found = [next(waiting) for _ in own]
        corrected = _correct(record, found, judge.backend.model, settings, tally)
        if corrected is not None:
            tally.keep()
            kept.append(corrected)
    types = Counter(segment.type or "untyped" for record in kept for segment in record.responses[1].segments)
    stated = {**asdict(settings), "judge": judge.describe()}
    judging = summarise(flat, verdicts)
    reasons = judging.pop("reasons")
    return Feedback("correct", kept, tally, stated, {"segments": dict(types), "judging": judging, "reasons": reasons})


def _correct(
    record: Record, verdicts: Sequence[Verdict], judge: str, settings: CorrectionSettings, tally: Tally
) -> Record | None:
    """The record of a correction; None where there is none, and then the tally knows why."""
    response = record.responses[-1]
    values = [_find_value(verdict) for verdict in verdicts]
    if None in values:
        sample = verdicts[values.index(None)].samples[0]
        tally.fail(record.id, "no reply" if sample.status == "missing" else "unreadable reply", sample.reason)
        return None
    rounds = [_take_text(value, text) for value, text in zip(values, response.rounds, strict=True)]
    if rounds == list(response.rounds):
        tally.drop(record.id, "nothing wrong")
        return None
    if not all(text.strip() for text in rounds):
        tally.drop(record.id, "nothing left of the answer")
        return None
    errors = [value["errors"] for value in values]
    pair = _build_pair(response, rounds, errors, judge)
    ratio, longest = measure_edit_ratio(pair[1], pair[0]), max(sum(map(len, one.rounds)) for one in pair)
    if ratio > settings.max_edit and longest >= REWRITE_LEAST:
        tally.drop(record.id, "rewritten", f"{ratio:.0%} of both texts differ, more than {settings.max_edit:.0%}")
        return None
    named = [error for one in errors for error in one]
    return replace(record, responses=pair, meta=record.meta | {"corrected_by": judge, "named_errors": named})


def _find_value(verdict: Verdict) -> Any:
    return next((sample.value for sample in verdict.samples if sample.status == "read"), None)


def _take_text(value: dict[str, Any], original: str) -> str:
    """The corrected text with the white space that the original has at its ends, which no judge repeats."""
    if value["corrected"] is None or value["corrected"] == original.strip():
        return original
    inner = original.strip()
    start = original.index(inner)
    corrected: str = value["corrected"]
    return original[:start] + corrected + original[start + len(inner) :] if corrected else ""


def _build_pair(
    response: Response, rounds: Sequence[str], errors: Sequence[list[list[str]]], judge: str
) -> tuple[Response, Response]:
    corrected = iter(rounds)
    turns = tuple(Turn(one.role, next(corrected) if one.role == "assistant" else one.text) for one in response.turns)
    segments = [
        _type_segment(segment, own, better, named)
        for number, (own, better, named) in enumerate(zip(response.rounds, rounds, errors, strict=True))
        for segment in diff_segments(own, better, round=number)
    ]
    model = ", ".join([*([response.model] if response.model else []), f"corrected by {judge}"])
    return Response(turns, 0, model=model), replace(response, level=1, segments=tuple(segments))


def _type_segment(segment: Segment, own: str, better: str, errors: list[list[str]]) -> Segment:
    """With the type of the errors whose words lie where it lies in both texts, if that is one type."""
    own_span, better_span = (segment.start, segment.end), (segment.better_start, segment.better_end)
    types = {
        kind
        for kind, wrong, right in errors
        if (wrong or right)
        and (not wrong or _touches(own, wrong, own_span))
        and (not right or _touches(better, right, better_span))
    }
    return replace(segment, type=types.pop() if len(types) == 1 else None)


def _touches(text: str, words: str, span: tuple[int, int]) -> bool:
    """Whether the words occur in the text where they share a character with the span, or hold it if it is empty."""
    start = text.find(words)
    while start >= 0:
        end = start + len(words)
        if max(start, span[0]) < min(end, span[1]) or (span[0] == span[1] and start <= span[0] <= end):
            return True
        start = text.find(words, start + 1)
    return False


def _tell(turns: Sequence[Turn]) -> str:
    """What was said so far; a question alone stands as it is."""
    if len(turns) == 1:
        return turns[0].text
    return "\n".join(f"{turn.role}: {turn.text}" for turn in turns)
