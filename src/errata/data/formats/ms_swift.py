"""ms-swift's preference rows: `messages` that end with the better answer, and the worse one beside them.

The worse answer is `rejected_response`, a text in place of the last answer, or `rejected_messages`, a whole
conversation, whose `rejected_images` we can only read where they are the same images. The latter is written: it holds
answers of any number of rounds, and ms-swift drops rows of the one form from a file that begins with the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errata.data.containers import Row
from errata.data.formats.conversations import list_images, parse_messages
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext
from errata.data.formats.parts import (
    TEXT_COLUMNS,
    build_pair,
    iterate_pairs,
    mark_images,
    take_id,
    take_meta,
    take_text,
    unmark_images,
    write_meta,
)
from errata.records import Record, Turn

_REJECTED = ("rejected_response", "rejected_messages")
_KNOWN = {*_REJECTED, "messages", "images", "image", "rejected_images", "system", "id", "source", "license"}


def _recognise(sample: Sample) -> bool:
    return "messages" in sample.names and not sample.names.isdisjoint(_REJECTED)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    """What both conversations begin with, up to a question, is the prompt."""
    chosen = parse_messages(row.get("messages"), context.where, "messages")
    rejected = _read_rejected(row, context, chosen)
    start = _count_prompt(chosen, rejected, context)
    images, system = list_images(row), take_text(row, "system")
    prompt = unmark_images(chosen[:start], len(images))
    yield context.build_record(
        id=take_id(row, context),
        prompt=(Turn("system", system), *prompt) if system and prompt[0].role != "system" else prompt,
        images=context.store(images),
        responses=build_pair(chosen[start:], rejected[start:]),
        source=take_text(row, "source") or "ms-swift",
        license=take_text(row, "license"),
        meta=take_meta(row, context, _KNOWN),
    )


def _read_rejected(row: Row, context: ReadContext, chosen: tuple[Turn, ...]) -> tuple[Turn, ...]:
    answer, messages = row.get("rejected_response"), row.get("rejected_messages")
    if (answer is None) == (messages is None):
        raise context.error("either 'rejected_response' or 'rejected_messages'", "both or neither", "keep one of them")
    if row.get("rejected_images") not in (None, [], row.get("images")):
        fix = "drop them, or keep such rows for a tool that compares images"
        raise context.error("one set of images for both answers", "other 'rejected_images' than 'images'", fix)
    if messages is not None:
        return parse_messages(messages, context.where, "rejected_messages")
    if not isinstance(answer, str):
        raise context.error("'rejected_response' as a text", type(answer).__name__)
    return (*chosen[:-1], Turn("assistant", answer))


def _count_prompt(chosen: tuple[Turn, ...], rejected: tuple[Turn, ...], context: ReadContext) -> int:
    """How many turns both begin with, up to the last user turn among them."""
    count = 0
    while count < min(len(chosen), len(rejected)) and chosen[count] == rejected[count]:
        count += 1
    while count and chosen[count - 1].role != "user":
        count -= 1
    if not count:
        raise context.error("conversations that begin with the same question", "no question that both share")
    return count


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    prompt, images = mark_images(record), [context.place(image) for image in record.images]
    for name, best, worse in iterate_pairs(record, context):
        messages, rejected = (_format_turns((*prompt, *response.turns)) for response in (best, worse))
        row: Row = {"id": name, "messages": messages, "rejected_messages": rejected}
        yield row | {"images": images, "rejected_images": images} | write_meta(record)


def _format_turns(turns: Iterable[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


_TURNS = [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}]

MS_SWIFT = Format(
    "ms-swift",
    "ms-swift preference rows (messages with a rejected answer)",
    _recognise,
    _read_row,
    write_row=_write_row,
    ending="jsonl",
    columns=(
        {"name": "id", "dtype": "string"},
        {"name": "messages", "list": _TURNS},
        {"name": "rejected_messages", "list": _TURNS},
        {"name": "images", "list": "string"},
        {"name": "rejected_images", "list": "string"},
        *TEXT_COLUMNS,
    ),
    leads=lambda row: bool(row["images"]),
    usage="Train with `swift rlhf --rlhf_type dpo --dataset train.jsonl`. Pictures are named relative to this folder: "
    "run it here, or set the environment variable `ROOT_IMAGE_DIR` to the folder.",
)
