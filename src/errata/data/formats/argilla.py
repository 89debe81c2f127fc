"""Argilla's records, as `dataset.records.to_json` and `.to_datasets` of its 2.x write them.

Nested: `fields`, `responses` by question (`[{"value", "user_id"}]`), `suggestions`, `metadata`. Flat: the fields
themselves, `QUESTION.responses`, `QUESTION.responses.users` and `.status`. One record for each user who submitted
something. Read are rankings, ratings, choices and spans, and texts of questions whose name says that they correct.
The files do not say which answer a question is about: its name does, or `--columns response=… correction=…`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from errata.data.containers import Row
from errata.data.formats.argilla_values import Sheet, read_values
from errata.data.formats.columns import find_field, require_names
from errata.data.formats.format import Format, ReadContext, Sample
from errata.data.formats.parts import take_id, take_meta, take_source
from errata.data.formats.pictures import require_all_shown
from errata.data.formats.turns import parse_messages
from errata.data.formats.verdicts import ANSWERS, IMAGES, build_records
from errata.data.formats.vocabulary import PROMPTS
from errata.errors import quote
from errata.records import Record, Turn

Values = dict[str, Any]
_OWN = ("id", "_server_id", "status", "vectors", "responses", "suggestions", "metadata", "fields", "score")
_CHATS = ("chat", "messages", "conversation")


def _recognise(sample: Sample) -> bool:
    if isinstance(sample.row.get("fields"), Mapping):
        return not sample.names.isdisjoint(("responses", "suggestions"))
    return any(name.endswith(".responses") for name in sample.names)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    require_names(context.columns, ("prompt", "image", "response", "correction"))
    fields = _read_fields(row, context)
    prompt, turns = _find_prompt(fields, context)
    image = find_field(fields, "image", IMAGES, context)
    require_all_shown(fields, image, context)
    answers = {name: text for name, text in fields.items() if name not in (prompt, image) and isinstance(text, str)}
    main = find_field(answers, "response", ANSWERS, context)
    sheet = Sheet(answers, main if main or len(answers) != 1 else next(iter(answers)), context)
    users = _list_users(row, context)
    if not users:
        fix = "submit responses first; suggestions alone are a model's, not a person's"
        raise context.error("a submitted response", "none", fix)
    name, pictures = take_id(row, context), fields.get(image) if image else None
    images = context.store(pictures if isinstance(pictures, list) else [pictures] if pictures else [])
    meta = {**fields, **_read_mapping(row, "metadata", context)}
    for number, (user, values) in enumerate(users.items(), 1):
        verdict = read_values(values, sheet, user)
        used = {prompt, image, *verdict.levels, *verdict.corrections}
        rest = take_meta(meta, context, {one for one in used if one is not None})
        own = {"id": name if len(users) == 1 else f"{name}-{number}", "prompt": turns, "images": images}
        yield from build_records(answers, verdict, context, **own, source=take_source(meta), meta=rest)


def _read_fields(row: Row, context: ReadContext) -> dict[str, Any]:
    if "fields" in row:
        return _read_mapping(row, "fields", context)
    return {name: value for name, value in row.items() if "." not in name and name not in _OWN and value is not None}


def _read_mapping(row: Row, name: str, context: ReadContext) -> dict[str, Any]:
    value = row.get(name) or {}
    if not isinstance(value, dict):
        raise context.error(f"{name!r} as an object", type(value).__name__)
    return value


def _find_prompt(fields: Mapping[str, Any], context: ReadContext) -> tuple[str, tuple[Turn, ...]]:
    name = find_field(fields, "prompt", (*PROMPTS, *_CHATS), context)
    value = fields.get(name) if name is not None else None
    if name is not None and isinstance(value, list):
        return name, parse_messages(value, context.where, name)
    if name is None or not isinstance(value, str):
        found = f"the fields {', '.join(map(str, fields)) or 'of an empty object'}"[:120]
        raise context.error("a question among the fields", found, "name its field: --columns prompt=FIELD")
    return name, (Turn("user", value),)


def _list_users(row: Row, context: ReadContext) -> dict[str, Values]:
    """The submitted values by question for each user, in the order in which they come."""
    users: dict[str, Values] = defaultdict(dict)
    for question, entries in _list_questions(row, context).items():
        for entry in entries:
            if not isinstance(entry, Mapping) or "value" not in entry:
                raise context.error(f"responses to {question!r} as objects with a value", quote(entry))
            if entry.get("status") in (None, "submitted") and entry["value"] is not None:
                users[str(entry.get("user_id"))][question] = entry["value"]
    return users


def _list_questions(row: Row, context: ReadContext) -> dict[str, list[Any]]:
    if "fields" in row:
        questions = _read_mapping(row, "responses", context)
    else:
        questions = {name.removesuffix(".responses"): name for name in row if name.endswith(".responses")}
        questions = {question: _read_flat(row, name, context) for question, name in questions.items()}
    for question, entries in questions.items():
        if not isinstance(entries, list):
            raise context.error(f"responses to {question!r} as a list", type(entries).__name__)
    return questions


def _read_flat(row: Row, name: str, context: ReadContext) -> list[Any]:
    values = row.get(name) or []
    users, statuses = (row.get(f"{name}.{part}") or [None] * len(values) for part in ("users", "status"))
    if not all(isinstance(one, list) and len(one) == len(values) for one in (values, users, statuses)):
        raise context.error(f"{name!r} with as many users and statuses", "lists of other lengths")
    triples = zip(values, users, statuses, strict=True)
    return [{"value": value, "user_id": user, "status": status} for value, user, status in triples]


ARGILLA = Format("argilla", "Argilla's records (2.x)", _recognise, _read_row, takes_columns=True)
