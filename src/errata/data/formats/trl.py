"""TRL's preference rows: `prompt` (perhaps), `chosen`, `rejected`, and `images` or `image`.

Texts or messages, with a prompt or with one that both answers begin with; rows come from a `datasets.Dataset`, a list
of dicts or a file. Contents of messages are texts or lists of `{"type": "image"}` and `{"type": "text", "text"}` parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from errata.data.formats.answers import (
    QUESTION_COLUMNS,
    Turns,
    build_levels,
    find_question_messages,
    read_question,
    read_side,
)
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, refuse
from errata.data.formats.origin import IMAGE, build_schema
from errata.data.formats.parts import STATED, build_row_record, require_plain_answers
from errata.data.formats.pictures import list_images
from errata.data.formats.turns import find_answer_start, parse_transcript
from errata.data.formats.vocabulary import ANSWER_PAIRS, PROMPTS, may_be_question
from errata.data.rows import Row, is_empty
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Turn

_PARTS = pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", _PARTS)]))

SCHEMA = build_schema(
    [
        ("images", pa.list_(IMAGE)),
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("id", pa.string()),
        ("source", pa.string()),
        ("license", pa.string()),
    ]
)
"""TRL reads the first four columns and leaves the others alone."""


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    names = _find_answers(row)
    prompt, responses = _split(row, names, context)
    chosen = row.get(names[0])
    messages = find_question_messages(row) or (chosen if isinstance(chosen, (list, tuple)) else ())
    yield build_row_record(row, context, list_images(row, context, messages), prompt, responses)


def build_messages(record: Record) -> Iterator[Row]:
    """`prompt`, `chosen` and `rejected` for each answer below level 0, the images' places marked in the prompt.

    Raises:
        DataError: All answers are at level 0, or one holds a picture's mark.
    """
    require_plain_answers(record)
    if record.levels[-1] == 0:
        raise refuse(record, "a better and a worse answer", f"levels {list(record.levels)}")
    prompt = [_to_message(turn) for turn in record.prompt]
    if not any(IMAGE_PLACEHOLDER in turn.text for turn in record.prompt):
        first = next(message for message in prompt if message["role"] == "user")
        first["content"] = [{"type": "image", "text": None}] * len(record.images) + first["content"]
    chosen, *others = record.responses
    for response in others:
        if response.level > 0:
            turns = [[_to_message(turn) for turn in one.turns] for one in (chosen, response)]
            yield {"prompt": prompt, "chosen": turns[0], "rejected": turns[1]}


def _recognise(sample: Sample) -> bool:
    return any(set(pair) <= sample.names for pair in ANSWER_PAIRS)


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    context.drop("meta", len(record.meta))
    context.drop("levels", len(set(record.levels)) > 2)
    context.drop("ties with the best answer", sum(level == 0 for level in record.levels[1:]))
    context.drop("segment types", sum(s.type is not None for response in record.responses for s in response.segments))
    context.drop("models", sum(response.model is not None for response in record.responses))
    images = [context.embed(image) for image in record.images]
    for row in build_messages(record):
        yield {"images": images, **row, "id": record.id, "source": record.source, "license": record.license}


def _find_answers(row: Row) -> tuple[str, str]:
    """The columns of better and of worse answers: a pair that is filled, or one that is there, or in part."""
    filled = {name for name, value in row.items() if not is_empty(value)}
    found = (pair for names in (filled, row.keys()) for pair in ANSWER_PAIRS if set(pair) <= names)
    partly = (pair for pair in ANSWER_PAIRS if not filled.isdisjoint(pair))
    return next(found, next(partly, ANSWER_PAIRS[0]))


def _split(row: Row, names: tuple[str, str], context: ReadContext) -> tuple[Turns, tuple[Response, ...]]:
    """The prompt and the responses."""
    question = read_question(row, context)
    chosen, rejected = (row.get(name) for name in names)
    if question is None and isinstance(chosen, str) and isinstance(rejected, str):
        _require_alone(row, names, context)
        transcripts = [parse_transcript(text) for text in (chosen, rejected)]
        if None not in transcripts:
            context.told["conversations read from one text, by the speakers' names"] += 1
            return build_levels(None, [[turns] for turns in transcripts if turns is not None], context)
        question, chosen, rejected = _cut_prompt(chosen, rejected)
        context.told["questions found as what both answers begin with"] += 1
    sides = [read_side(value, name, context) for value, name in zip((chosen, rejected), names, strict=True)]
    return build_levels(question, sides, context)


def _require_alone(row: Row, names: tuple[str, str], context: ReadContext) -> None:
    """Raise DataError for any other text in the row: the question may stand there."""
    others = [
        name
        for name, value in row.items()
        if name not in (*names, *STATED, "meta") and isinstance(value, str) and may_be_question(name, value)
    ]
    if others:
        found = f"no column of a usual name, but {', '.join(map(repr, others[:5]))}"
        fix = f"say where it stands: --columns prompt={others[0]},chosen={names[0]},rejected={names[1]}"
        raise context.error(f"a question under one of {', '.join(PROMPTS)}", found, fix)


def _cut_prompt(chosen: str, rejected: str) -> tuple[Turns, str, str]:
    """TRL's standard form without a prompt: the text that both answers begin with, as TRL's own trainer cuts it.

    Where a template was rendered into it, no word of the answers belongs to the prompt.
    """
    same = _count_equal(chosen, rejected)
    start = find_answer_start(chosen[:same])
    same = same - bool(same and chosen[same - 1] == " ") if start is None else start
    return (Turn("user", chosen[:same]),), chosen[same:], rejected[same:]


def _count_equal(one: str, other: str) -> int:
    """How many characters both begin with; all of the shorter one where it is the beginning of the other."""
    short = min(len(one), len(other))
    return next((place for place in range(short) if one[place] != other[place]), short)


def _to_message(turn: Turn) -> Row:
    parts: list[Row] = []
    for number, text in enumerate(turn.text.split(IMAGE_PLACEHOLDER)):
        parts += [{"type": "image", "text": None}] if number else []
        parts += [{"type": "text", "text": text}] if text else []
    return {"role": turn.role, "content": parts}


TRL = Format(
    "trl",
    "TRL preference, and other pairs under usual names",
    _recognise,
    _read_row,
    reads=lambda row: {*QUESTION_COLUMNS, *STATED, *_find_answers(row)},
    write_row=_write_row,
    schema=SCHEMA,
)
