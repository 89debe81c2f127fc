"""Argilla's records, as `dataset.records.to_json` and `.to_datasets` of its 2.x write them.

Nested: `fields`, `responses` by question (`[{"value", "user_id"}]`), `suggestions`, `metadata`. Flat: the fields
themselves, `QUESTION.responses`, `QUESTION.responses.users` and `.status`. One record for each user who submitted
something. Read are rankings, ratings, choices and spans, and texts of questions whose name says that they correct.
The files do not say which answer a question is about: its name does, or `--columns response=… correction=…`.

What an Argilla user's values say, each by its type, as one verdict.

Its spans hold no text. Its page counts UTF-16 units (its issue 5729), its Python code points, and a file does not say
who wrote it. Where the two differ, the unit counts in which more offsets fall on the edges of words, since the page
marks whole words; of two equal ones the page's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from errata.corrections import split_words
from errata.data.formats.format import Format, ReadContext, Sample
from errata.data.formats.parts import find_field, require_names, simplify, take_id, take_meta, take_source
from errata.data.formats.pictures import require_all_shown
from errata.data.formats.turns import parse_messages
from errata.data.formats.verdicts import ANSWERS, IMAGES, Mark, Verdict, build_records, from_utf16
from errata.data.formats.vocabulary import PROMPTS
from errata.data.rows import Row
from errata.errors import quote
from errata.records import Record, Turn

_CORRECTIONS = ("correct", "edit", "rewrit", "rewrote", "revis", "improv", "fixed")
"""How a word of the name of a question begins whose text stands for an answer."""

_CHOICES = ("which", "choice", "choose", "preferred", "preference", "better", "best", "chosen")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was shown: the answers by field, and the one that a question without a clear one is about."""

    answers: Mapping[str, str]
    main: str | None
    context: ReadContext

    def find(self, question: str) -> str:
        """The answer that a question is about: the longest field name in its own, or the main one."""
        plain = simplify(question)
        named = [name for name in self.answers if simplify(name) in plain]
        numbered = [name for name in self.answers if _number(name) and _number(name) == _number(question)]
        found = max(named, key=len) if named else numbered[0] if len(numbered) == 1 else self.main
        if found is None:
            shown = f"the question {question!r} and the texts {', '.join(self.answers) or 'none'}"[:120]
            fix = "name it: --columns response=FIELD"
            raise self.context.error("the answer that a question is about", shown, fix)
        return found

    def match(self, value: Any) -> str | None:
        """The answer that a value of a choice or a ranking names, in full or by its end (`A` for `response_a`)."""
        plain = simplify(value) if isinstance(value, str) else ""
        exact = [name for name in self.answers if simplify(name) == plain]
        ending = [name for name in self.answers if simplify(name).endswith(plain)]
        return exact[0] if exact else ending[0] if plain and len(ending) == 1 else None


def read_values(values: Mapping[str, Any], sheet: Sheet, user: str) -> Verdict:
    """What one user said. Raises DataError for values that are damaged or whose answer cannot be told."""
    levels: dict[str, float] = {}
    corrections: dict[str, str] = {}
    marks: dict[str, list[Mark]] = {}
    meta: dict[str, Any] = {"annotator": user}
    for question, value in values.items():
        ranks = _read_ranking(value, sheet)
        if _is_spans(value):
            name = sheet.find(question)
            marks.setdefault(name, []).extend(_read_spans(value, sheet.answers[name], sheet.context))
        elif ranks:
            levels |= ranks
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            levels[sheet.find(question)] = -float(value)
        elif isinstance(value, str) and _corrects(question, sheet):
            corrections[sheet.find(question)] = value
        else:
            meta[question] = value
    return Verdict(levels, corrections, marks, meta)


def _number(name: str) -> str:
    """The number or single letter that a name ends with."""
    match = re.search(r"(\d+|[\W_][a-zA-Z])$", name)
    return simplify(match.group()) if match else ""


def _corrects(question: str, sheet: Sheet) -> bool:
    if (named := sheet.context.columns.get("correction")) is not None:
        return question == named
    words = re.split(r"[\W_]+", question.lower())
    return any(word.startswith(_CORRECTIONS) for word in words) and not any(word in _CHOICES for word in words)


def _is_spans(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "start" in one for one in value)


def _read_ranking(value: Any, sheet: Sheet) -> dict[str, float]:
    """Levels from a list of answers, best first, from `[{"value", "rank"}]`, or from the name of the best one."""
    if isinstance(value, str):
        best = sheet.match(value)
        return {} if best is None else {name: float(name != best) for name in sheet.answers}
    if not isinstance(value, list) or len(value) < 2:
        return {}
    ranked = [(one.get("value"), one.get("rank")) if isinstance(one, Mapping) else (one, None) for one in value]
    names = [sheet.match(one) for one, _ in ranked]
    if None in names or len(set(names)) < len(names):
        return {}
    ranks = [rank for _, rank in ranked]
    return {name: _read_rank(ranks[place], place, sheet) for place, name in enumerate(names) if name}


def _read_rank(rank: Any, place: int, sheet: Sheet) -> float:
    if rank is None:
        return float(place)
    if isinstance(rank, bool) or not isinstance(rank, (int, float)):
        raise sheet.context.error("a rank as a number", quote(rank))
    return float(rank)


def _read_spans(spans: Sequence[Mapping[str, Any]], text: str, context: ReadContext) -> list[Mark]:
    offsets: list[tuple[Any, Any]] = [(one.get("start"), one.get("end")) for one in spans]
    for pair in offsets:
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in pair):
            raise context.error("spans with 'start' and 'end' as numbers", quote(pair))
    places = _choose_unit(offsets, text)
    marks = []
    for span, (start, end), raw in zip(spans, places, offsets, strict=True):
        if start is None or end is None or start > end:
            raise context.error(f"spans inside the answer of {len(text)} characters", f"{raw[0]}:{raw[1]}")
        label = span.get("label")
        marks.append(Mark(start, end, label if isinstance(label, str) else None))
    return marks


def _choose_unit(offsets: Sequence[tuple[int, int]], text: str) -> list[tuple[int | None, int | None]]:
    """The spans in code points, None where a place is not in the text; see the module's docstring."""
    edges = {edge for word in split_words(text) for edge in word}
    page = [(from_utf16(text, start), from_utf16(text, end)) for start, end in offsets]
    python = [(_inside(start, text), _inside(end, text)) for start, end in offsets]
    return page if _score(page, edges) >= _score(python, edges) else python


def _inside(offset: int, text: str) -> int | None:
    return offset if 0 <= offset <= len(text) else None


def _score(spans: Sequence[tuple[int | None, int | None]], edges: set[int]) -> int:
    """How many ends fall on edges of words; one outside the text weighs more than all of them."""
    ends = [end for span in spans for end in span]
    return sum(end in edges for end in ends) - (len(ends) + 1) * ends.count(None)


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
