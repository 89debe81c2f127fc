"""LLaVA-Human-Preference-10K: a conversation that ends with a question, and two answers to it (arXiv 2309.14525).

Fields are `image, conversations, output_1, output_2, preference`; an output is a text or a turn, `preference` is the
number of the better one. Other fields, such as `hallucination`, are kept in the record's `meta`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from errata.data.formats.answers import read_conversation
from errata.data.formats.format import Format, ReadContext, Sample, reads
from errata.data.formats.parts import STATED, build_row_record
from errata.data.formats.pictures import list_images
from errata.data.rows import Row
from errata.errors import quote
from errata.records import Record, Response, Turn


def _recognise(sample: Sample) -> bool:
    return {"conversations", "output_1", "output_2", "preference"} <= sample.names


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    better = row.get("preference")
    if better not in (1, 2) or isinstance(better, bool):
        raise context.error("'preference' as 1 or 2", quote(better))
    answers = [_read_output(row, name, context) for name in ("output_1", "output_2")]
    best, worse = answers if better == 1 else answers[::-1]
    prompt, messages = read_conversation(row, context)
    yield build_row_record(
        row, context, list_images(row, context, messages), prompt, (Response((best,), 0), Response((worse,), 1))
    )


def _read_output(row: Row, name: str, context: ReadContext) -> Turn:
    value: Any = row.get(name)
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    text = value.get("value") if isinstance(value, dict) else value
    if not isinstance(text, str):
        raise context.error(f"{name!r} as a text or a turn", quote(value))
    return Turn("assistant", text)


LLAVA_RLHF = Format(
    "llava-rlhf",
    "LLaVA-Human-Preference-10K",
    _recognise,
    _read_row,
    reads=reads("conversations", "output_1", "output_2", "preference", "system", *STATED),
)
