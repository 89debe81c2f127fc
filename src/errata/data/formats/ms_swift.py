"""ms-swift's preference rows and their like: a conversation that ends with the better answer, and a worse one.

The conversation is `messages` or `conversations`, or in its older form `query`, `response`, `history` and `system`. The
worse answer is `rejected_response`, in place of the last answer (a text, a message, or a list of them), or
`rejected_messages` (POVID: `rejected_conversations`), a whole conversation. `rejected_images` can only be read where
they are the same images. `rejected_messages` is written: it holds answers of any number of rounds, and ms-swift drops
rows of the one form from a file that begins with the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from errata.data.formats.answers import (
    QUESTION_COLUMNS,
    Turns,
    build_levels,
    find_question_messages,
    read_conversation,
    read_question,
    read_side,
)
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, reads
from errata.data.formats.parts import (
    STATED,
    TEXT_COLUMNS,
    build_row_record,
    iterate_pairs,
    mark_images,
    unmark_images,
    write_meta,
)
from errata.data.formats.pictures import list_images
from errata.data.formats.vocabulary import ANSWER_PAIRS, CONVERSATIONS, PROMPTS
from errata.data.rows import Row, is_empty
from errata.records import Record, Turn

_CONVERSATIONS = tuple(f"rejected_{name}" for name in CONVERSATIONS)
_ANSWERS = ("rejected_response", "rejected_responses", "rejected_answer", "rejected_answers", "rejected")
_REJECTED = (*_ANSWERS, *_CONVERSATIONS)
_RESPONSES = ("response", "answer")


def _recognise(sample: Sample) -> bool:
    if any(better in sample.names for better, _ in ANSWER_PAIRS):
        return False
    if not sample.names.isdisjoint(CONVERSATIONS):
        return not sample.names.isdisjoint(_REJECTED)
    named = [sample.names.isdisjoint(names) for names in (PROMPTS, _RESPONSES, _REJECTED[:4])]
    return not any(named)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    """What all conversations begin with, up to a question, is the prompt."""
    chosen, messages = _read_chosen(row, context)
    rejected = _read_rejected(row, context, chosen)
    prompt, responses = build_levels(None, [[chosen], rejected], context)
    images = list_images(row, context, messages)
    yield build_row_record(row, context, images, unmark_images(prompt, len(images)), responses)


def _read_chosen(row: Row, context: ReadContext) -> tuple[Turns, Any]:
    """The conversation that ends with the better answer, and its messages as they stand in the row."""
    named = [name for name in _RESPONSES if not is_empty(row.get(name))]
    if not named:
        return read_conversation(row, context)
    question = read_question(row, context)
    if question is None or len(named) > 1 or question[-1].role != "user":
        raise context.error(f"a question, and one answer under {' or '.join(_RESPONSES)}", ", ".join(map(str, row)))
    answers = read_side(row[named[0]], named[0], context)
    if len(answers) > 1:
        raise context.error("one better answer", f"{len(answers)} under {named[0]!r}", "make a row of each")
    return (*question, *answers[0]), find_question_messages(row)


def _read_rejected(row: Row, context: ReadContext, chosen: Turns) -> list[Turns]:
    named = [name for name in _REJECTED if not is_empty(row.get(name))]
    if len(named) != 1:
        found = f"{' and '.join(map(repr, named))}" if named else "none of them"
        raise context.error(f"either {' or '.join(map(repr, ('rejected_response', *_CONVERSATIONS)))}", found)
    if row.get("rejected_images") not in (None, [], row.get("images")):
        fix = "drop them, or keep such rows for a tool that compares images"
        raise context.error("one set of images for both answers", "other 'rejected_images' than 'images'", fix)
    answers = read_side(row[named[0]], named[0], context)
    # With its `system`, a chosen conversation begins one turn before the rejected one.
    system = chosen[:1] if chosen[0].role == "system" else ()
    return [_complete(turns, chosen, system) for turns in answers]


def _complete(turns: Turns, chosen: Turns, system: Turns) -> Turns:
    """A worse answer as a whole conversation."""
    if turns[0].role == "assistant":
        return (*chosen[:-1], *turns)
    return turns if turns[0].role == "system" else (*system, *turns)


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
    reads=reads(*QUESTION_COLUMNS, *STATED, *_REJECTED, *_RESPONSES, "rejected_images"),
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
