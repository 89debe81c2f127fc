"""AMP's ranked sets: `image` and `output_1` to `output_K`, whole conversations, best first (arXiv 2405.11165).

Each output is a list of `{"from": "human" | "gpt", "value"}` that begins with the same question; several rounds follow.
What AMP's loader does not read stands in fields beside these, so that a record comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, refuse
from errata.data.formats.parts import STATED, build_row_record, require_plain_answers
from errata.data.formats.pictures import list_images
from errata.data.formats.turns import parse_messages
from errata.data.rows import Row
from errata.errors import count_noun, quote
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Turn

_OUTPUT = re.compile(r"output_([1-9]\d{0,3})")
_SPEAKERS = {"user": "human", "assistant": "gpt"}


def _recognise(sample: Sample) -> bool:
    if not {"output_1", "output_2"} <= sample.names or "conversations" in sample.names:
        return False
    return not isinstance(sample.row["output_1"], str)  # texts are somebody else's, and nobody says which is better


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    outputs = [_read_output(row, number, context) for number in _list_numbers(row, context)]
    asked = _take(row, "prompt_turns", int, 1, context)
    if any(output[:asked] != outputs[0][:asked] for output in outputs):
        raise context.error("outputs that begin with the same question", "different ones")
    levels = _take(row, "levels", list, list(range(len(outputs))), context)
    models = _take(row, "models", list, [None] * len(outputs), context)
    if len(levels) != len(outputs) or len(models) != len(outputs) or not all(type(level) is int for level in levels):
        raise context.error(f"'levels' and 'models' for {len(outputs)} outputs", f"{quote(levels)}, {quote(models)}")
    answers = zip(outputs, levels, models, strict=True)
    yield build_row_record(
        row,
        context,
        list_images(row, context, row["output_1"]),
        outputs[0][:asked],
        tuple(Response(output[asked:], level, (), model) for output, level, model in answers),
    )


def _list_numbers(row: Row, context: ReadContext) -> range:
    numbers = [int(match[1]) for name in row if (match := _OUTPUT.fullmatch(name)) and row[name] is not None]
    if sorted(numbers) != list(range(1, len(numbers) + 1)) or not numbers:
        found = ", ".join(name for name in row if _OUTPUT.fullmatch(name)) or "none"
        raise context.error("output_1 to output_K without a gap", found)
    return range(1, len(numbers) + 1)


def _read_output(row: Row, number: int, context: ReadContext) -> tuple[Turn, ...]:
    name = f"output_{number}"
    if isinstance(row[name], str) and not row[name].lstrip().startswith("["):
        fix = "say which is better: --columns prompt=COLUMN,chosen=output_1,rejected=output_2"
        raise context.error(f"{name!r} as a conversation, as AMP's are", f"a text, {quote(row[name], 40)}", fix)
    return parse_messages(row[name], f"{context.where}: {name!r}", name)


def _take(row: Row, name: str, kind: type, default: Any, context: ReadContext) -> Any:
    value = row.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise context.error(f"{name!r} as {kind.__name__}", type(value).__name__)
    return value


def _write_row(record: Record, context: WriteContext) -> Iterator[Row]:
    if len(record.images) > 1 or any(turn.role == "system" for turn in record.prompt):
        raise refuse(record, "at most one image, and no system turn", count_noun(len(record.images), "image"))
    if len(record.responses) < 2:
        raise refuse(record, "at least two answers", "one")
    require_plain_answers(record)
    context.drop("meta", len(record.meta))
    context.drop("segment types", sum(s.type is not None for response in record.responses for s in response.segments))
    prompt = [{"from": _SPEAKERS[turn.role], "value": turn.text} for turn in record.prompt]
    if record.images and not any(IMAGE_PLACEHOLDER in turn.text for turn in record.prompt):
        prompt[0] = prompt[0] | {"value": f"{IMAGE_PLACEHOLDER}\n{prompt[0]['value']}"}
    row: Row = {"image": context.place(record.images[0])} if record.images else {}
    for number, response in enumerate(record.responses, 1):
        turns = [{"from": _SPEAKERS[turn.role], "value": turn.text} for turn in response.turns]
        row[f"output_{number}"] = prompt + turns
    yield row | _describe_rest(record)


def _describe_rest(record: Record) -> Row:
    """What AMP's loader passes over."""
    rest: Row = {"id": record.id, "source": record.source, "license": record.license}
    if len(record.prompt) > 1:
        rest["prompt_turns"] = len(record.prompt)
    if list(record.levels) != list(range(len(record.levels))):
        rest["levels"] = list(record.levels)
    if any(response.model for response in record.responses):
        rest["models"] = [response.model for response in record.responses]
    return {name: value for name, value in rest.items() if value is not None}


def _list_read(row: Row) -> set[str]:
    return {"prompt_turns", "levels", "models", *STATED, *filter(_OUTPUT.fullmatch, row)}


AMP = Format("amp", "AMP ranked outputs", _recognise, _read_row, reads=_list_read, write_row=_write_row, ending="json")
