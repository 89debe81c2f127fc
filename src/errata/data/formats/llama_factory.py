"""LLaMA-Factory's ranking rows, and the entry of `dataset_info.json` that tells it how to read them.

ShareGPT form: `conversations` (or `messages`) up to the question, `chosen` and `rejected` as one message each, and
`images`. Alpaca form: `instruction`, `input`, `chosen` and `rejected` as texts, perhaps `history` and `system`. Other
names of columns, keys and roles are read from the entry (`dataset_info.py`). It wants exactly one `<image>` per image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from errata.data.containers import Row
from errata.data.formats.conversations import list_images, parse_messages
from errata.data.formats.dataset_info import COLUMNS, find_entry, rename_columns, write_entry
from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, refuse
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

_MEDIA = ("<video>", "<audio>")
"""Marks that LLaMA-Factory counts in every text, as it does `<image>`, and compares with the row's films and sounds."""

_NAMES = {"user": "human", "assistant": "gpt", "system": "system"}
_KNOWN = {*COLUMNS.values(), "messages", "image", "id", "source", "license"}


def _recognise(sample: Sample) -> bool:
    if find_entry(sample.path) is not None:
        return True
    answers = [sample.row.get("chosen"), sample.row.get("rejected")]
    if all(isinstance(answer, Mapping) for answer in answers):
        return not sample.names.isdisjoint(("conversations", "messages"))
    return "instruction" in sample.names and all(isinstance(answer, str) for answer in answers)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    entry = find_entry(context.path)
    if entry is not None:
        row = rename_columns(row, entry, context.where)
    answers = [_read_answer(row, name, context) for name in ("chosen", "rejected")]
    prompt, images = _read_prompt(row, context), list_images(row)
    yield context.build_record(
        id=take_id(row, context),
        prompt=unmark_images(prompt, len(images)),
        images=context.store(images),
        responses=build_pair((answers[0],), (answers[1],)),
        source=take_text(row, "source") or "llama-factory",
        license=take_text(row, "license"),
        meta=take_meta(row, context, _KNOWN),
    )


def _read_prompt(row: Row, context: ReadContext) -> tuple[Turn, ...]:
    name = "conversations" if row.get("conversations") is not None else "messages"
    turns = _read_alpaca(row, context) if row.get(name) is None else parse_messages(row[name], context.where, name)
    system = take_text(row, "system")
    return (Turn("system", system), *turns) if system and turns[0].role != "system" else turns


def _read_alpaca(row: Row, context: ReadContext) -> tuple[Turn, ...]:
    history = row.get("history") or []
    if not isinstance(history, list) or not all(_is_exchange(exchange) for exchange in history):
        raise context.error("'history' as a list of pairs of texts", f"{history!r}"[:80])
    texts = []
    for name in ("instruction", "input"):
        if row.get(name) is not None and not isinstance(row[name], str):
            raise context.error(f"{name!r} as a text", type(row[name]).__name__)
        texts.append(row.get(name) or "")
    before = [turn for user, answer in history for turn in (Turn("user", user), Turn("assistant", answer))]
    return (*before, Turn("user", "\n".join(text for text in texts if text)))


def _is_exchange(exchange: Any) -> bool:
    return isinstance(exchange, list) and len(exchange) == 2 and all(isinstance(text, str) for text in exchange)


def _read_answer(row: Row, name: str, context: ReadContext) -> Turn:
    value = row.get(name)
    if isinstance(value, str):
        return Turn("assistant", value)
    if not isinstance(value, Mapping):
        found = f"{name!r} is {type(value).__name__}" if value is not None else f"no {name!r}"
        raise context.error(f"{name!r} as one message or a text", found)
    (turn,) = parse_messages([value], f"{context.where}: {name!r}", name)
    if turn.role != "assistant":
        raise context.error(f"{name!r} as an answer of the assistant", f"a turn of the {turn.role}")
    return turn


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
