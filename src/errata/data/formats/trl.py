"""TRL's preference rows: `prompt` (perhaps), `chosen`, `rejected`, and `images` or `image`.

Texts or messages, with a prompt or with one that both answers begin with; rows come from a `datasets.Dataset`, a list
of dicts or a file. Contents of messages are texts or lists of `{"type": "image"}` and `{"type": "text", "text"}` parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from errata.data.containers import Row
from errata.data.formats.conversations import list_images, parse_messages
from errata.data.formats.embedded import IMAGE, build_schema
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, refuse
from errata.data.formats.parts import require_plain_answers
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


def read_trl(row: Mapping[str, Any], context: ReadContext) -> Record:
    """One row as a record. Raises DataError that begins with the row's place."""
    prompt, chosen, rejected = _split(row, context)
    return context.build_record(
        id=str(row.get("id") or f"trl-{context.number}"),
        images=context.store(list_images(row)),
        prompt=prompt,
        responses=(Response(chosen, 0), Response(rejected, 1)),
        source=_take_text(row, "source") or "trl",
        license=_take_text(row, "license"),
    )


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
    return {"chosen", "rejected"} <= sample.names


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    return [read_trl(row, context)]


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    context.drop("meta", len(record.meta))
    context.drop("levels", len(set(record.levels)) > 2)
    context.drop("ties with the best answer", sum(level == 0 for level in record.levels[1:]))
    context.drop("segment types", sum(s.type is not None for response in record.responses for s in response.segments))
    context.drop("models", sum(response.model is not None for response in record.responses))
    images = [context.embed(image) for image in record.images]
    for row in build_messages(record):
        yield {"images": images, **row, "id": record.id, "source": record.source, "license": record.license}


def _split(row: Mapping[str, Any], context: ReadContext) -> tuple[tuple[Turn, ...], tuple[Turn, ...], tuple[Turn, ...]]:
    """Prompt, chosen and rejected as turns."""
    chosen, rejected, prompt = (row.get(name) for name in ("chosen", "rejected", "prompt"))
    if isinstance(chosen, str) and isinstance(rejected, str):
        return _split_texts(prompt, chosen, rejected, context)
    better, worse = (_read_turns(row.get(name), context, name) for name in ("chosen", "rejected"))
    if prompt is not None:
        asked = (Turn("user", prompt),) if isinstance(prompt, str) else _read_turns(prompt, context, "prompt")
        return asked, better, worse
    shared = _count_shared(better, worse)
    return better[:shared], better[shared:], worse[shared:]


def _split_texts(
    prompt: Any, chosen: str, rejected: str, context: ReadContext
) -> tuple[tuple[Turn, ...], tuple[Turn, ...], tuple[Turn, ...]]:
    """TRL's standard form; without a prompt, it is the text that both answers begin with, as TRL's own trainer cuts."""
    if prompt is None:
        same = _count_equal(chosen, rejected)
        same -= bool(same and chosen[same - 1] == " ")
        prompt, chosen, rejected = chosen[:same], chosen[same:], rejected[same:]
    if not isinstance(prompt, str):
        raise context.error("a prompt of the same form as the answers, text", f"'prompt' is {type(prompt).__name__}")
    return (Turn("user", prompt),), (Turn("assistant", chosen),), (Turn("assistant", rejected),)


def _count_equal(one: str, other: str) -> int:
    """How many characters both begin with; all of the shorter one where it is the beginning of the other."""
    short = min(len(one), len(other))
    return next((place for place in range(short) if one[place] != other[place]), short)


def _count_shared(chosen: tuple[Turn, ...], rejected: tuple[Turn, ...]) -> int:
    """Turns that both begin with, up to the last user turn among them."""
    same = 0
    while same < min(len(chosen), len(rejected)) and chosen[same] == rejected[same]:
        same += 1
    while same and chosen[same - 1].role != "user":
        same -= 1
    return same


def _read_turns(messages: Any, context: ReadContext, name: str) -> tuple[Turn, ...]:
    if isinstance(messages, (list, tuple)) and messages:
        return parse_messages(messages, f"{context.where}: {name!r}", name)
    found = f"{name!r} is {'an empty list' if messages == [] else type(messages).__name__}"
    raise context.error("messages as a list of {role, content}, or texts in all columns", found)


def _to_message(turn: Turn) -> Row:
    parts: list[Row] = []
    for number, text in enumerate(turn.text.split(IMAGE_PLACEHOLDER)):
        parts += [{"type": "image", "text": None}] if number else []
        parts += [{"type": "text", "text": text}] if text else []
    return {"role": turn.role, "content": parts}


def _take_text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value else None


TRL = Format("trl", "TRL preference", _recognise, _read_row, write_row=_write_row, schema=SCHEMA)
