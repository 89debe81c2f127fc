"""LLaMA-Factory's ranking rows, and the entry of `dataset_info.json` that tells it how to read them.

ShareGPT form: `conversations` (or `messages`) up to the question, `chosen` and `rejected` as one message each, and
`images`. Alpaca form: `instruction`, `input`, `chosen` and `rejected` as texts, perhaps `history` and `system`. Other
names of columns, keys and roles are read from the entry (`dataset_info.py`). It wants exactly one `<image>` per image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errata.data.containers import Row, is_empty
from errata.data.formats.answers import (
    QUESTION_COLUMNS,
    build_levels,
    find_question_messages,
    read_question,
    read_side,
)
from errata.data.formats.dataset_info import find_entry, rename_columns, write_entry
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, reads, refuse
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
from errata.data.formats.vocabulary import CONVERSATIONS, PROMPTS
from errata.records import Record

_MEDIA = ("<video>", "<audio>")
"""Marks that LLaMA-Factory counts in every text, as it does `<image>`, and compares with the row's films and sounds."""

_NAMES = {"user": "human", "assistant": "gpt", "system": "system"}


def _recognise(sample: Sample) -> bool:
    if find_entry(sample.path) is not None:
        return True
    if not {"chosen", "rejected"} <= sample.names:
        return False
    if is_empty(sample.row.get("prompt")) and not sample.names.isdisjoint(CONVERSATIONS):
        return not any(sample.row.get(name) == sample.row.get("chosen") for name in CONVERSATIONS)
    return "instruction" in sample.names and isinstance(sample.row.get("chosen"), str)


def _rename(row: Row, context: ReadContext) -> Row:
    entry = find_entry(context.path)
    return row if entry is None else rename_columns(row, entry, context.where)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    for name in ("chosen", "rejected"):
        if is_empty(row.get(name)):
            raise context.error(f"{name!r} as a message, a text or a list of them", f"no {name!r}")
    question = read_question(row, context)
    if question is None:
        raise context.error(f"a question under {', '.join((*CONVERSATIONS[:1], *PROMPTS))}", "none")
    images = list_images(row, context, find_question_messages(row))
    sides = [read_side(row[name], name, context) for name in ("chosen", "rejected")]
    if question[-1:] in sides[0]:  # some conversations go on to the better answer
        question = question[:-1]
    prompt, responses = build_levels(question, sides, context)
    yield build_row_record(row, context, images, unmark_images(prompt, len(images)), responses)


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    rounds = max(len(response.rounds) for response in record.responses)
    if rounds > 1:
        raise refuse(record, "answers of one round", f"one of {rounds} rounds")
    _refuse_media(record)
    prompt = [{"from": _NAMES[turn.role], "value": turn.text} for turn in mark_images(record)]
    images = [context.place(image) for image in record.images]
    for name, best, worse in iterate_pairs(record, context):
        yield {
            "id": name,
            "conversations": prompt,
            "chosen": {"from": "gpt", "value": best.text},
            "rejected": {"from": "gpt", "value": worse.text},
            "images": images,
            **write_meta(record),
        }


def _refuse_media(record: Record) -> None:
    texts = [turn.text for turn in (*record.prompt, *(turn for one in record.responses for turn in one.turns))]
    found = next((mark for text in texts for mark in _MEDIA if mark in text), None)
    if found is not None:
        raise refuse(record, f"texts without {found}, for which LLaMA-Factory wants a file", f"{found} in a text")


_TURN = [{"name": "from", "dtype": "string"}, {"name": "value", "dtype": "string"}]

LLAMA_FACTORY = Format(
    "llama-factory",
    "LLaMA-Factory ranking (ShareGPT or Alpaca form)",
    _recognise,
    _read_row,
    reads=reads(*QUESTION_COLUMNS, *STATED, "chosen", "rejected"),
    rename=_rename,
    write_row=_write_row,
    ending="json",
    write_beside=write_entry,
    columns=(
        {"name": "id", "dtype": "string"},
        {"name": "conversations", "list": _TURN},
        {"name": "chosen", "struct": _TURN},
        {"name": "rejected", "struct": _TURN},
        {"name": "images", "list": "string"},
        *TEXT_COLUMNS,
    ),
    usage="Train with `dataset_dir` and `media_dir` set to this folder, and `dataset` to its name in "
    "`dataset_info.json`.",
)
