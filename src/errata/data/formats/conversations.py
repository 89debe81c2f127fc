"""The field's form of supervised data: a conversation about images, every answer of which is learned.

LLaVA, ShareGPT4V and UniMM-Chat write `conversations` (or `conversation`) with `{"from": "human" | "gpt", "value"}` and
`image`; TRL and others write `messages` with `{"role", "content"}` and `images`. `<image>`, or a part of type image,
marks where an image stands; such a part may hold it. A conversation becomes a record with one response of level 0: its
prompt is the first question, its response all that follows.
"""

from __future__ import annotations

from collections.abc import Iterable

from errata.data.formats.answers import SYSTEMS, read_conversation
from errata.data.formats.format import Format, ReadContext, Sample, reads
from errata.data.formats.parts import STATED, build_row_record
from errata.data.formats.pictures import list_images
from errata.data.formats.vocabulary import CONVERSATIONS as FIELDS
from errata.data.rows import Row
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Turn

_FIX = "fix the row"


def _recognise(sample: Sample) -> bool:
    return not sample.names.isdisjoint(FIELDS)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    turns, messages = read_conversation(row, context)
    first = check_order(turns, context.where)
    yield build_row_record(
        row, context, list_images(row, context, messages), turns[: first + 1], (Response(turns[first + 1 :], 0),)
    )


def check_order(turns: tuple[Turn, ...], where: str) -> int:
    """The number of the first question; user and assistant alternate after it, up to an answer. Else DataError."""
    first = 1 if turns[0].role == "system" else 0
    for number, turn in enumerate(turns):
        expected = ("user", "assistant")[(number - first) % 2] if number >= first else "system"
        place = f"{where}: turn {number}"
        if turn.role != expected:
            rule = f"a turn of the {expected}, as user and assistant alternate from the user on"
            raise DataError(place, expected=rule, found=f"one of the {turn.role}", fix=_FIX)
        if not turn.text.strip():
            raise DataError(place, expected="a text", found=f"an empty turn of the {turn.role}", fix=_FIX)
        if number != first and IMAGE_PLACEHOLDER in turn.text:
            rule, found = "all images in the first question", f"{IMAGE_PLACEHOLDER} in a turn of the {turn.role}"
            raise DataError(place, expected=rule, found=found, fix=_FIX)
    if turns[-1].role != "assistant":
        found = f"a last turn of the {turns[-1].role}"
        raise DataError(where, expected="a conversation that ends with an answer", found=found, fix=_FIX, code="turns")
    return first


CONVERSATIONS = Format(
    "conversations",
    "conversations of LLaVA, ShareGPT4V, UniMM-Chat, and messages",
    _recognise,
    _read_row,
    reads=reads(*FIELDS, *STATED, *SYSTEMS),
)
