"""What rows of several formats have in common: an id, a licence, other fields, and pairs made of levels.

What `--columns` says: which column of a table, or field of a task, holds what.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from errata.corrections import diff_segments
from errata.data.formats.format import ReadContext, WriteContext, refuse
from errata.data.rows import Row
from errata.errors import ConfigError
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Segment, Turn
from errata.storage import parse_line

TEXT_COLUMNS = tuple({"name": name, "dtype": "string"} for name in ("source", "license", "meta"))
"""What `write_meta` writes, as `Format.columns` says it."""

MAX_DEPTH = 40
"""How deep lists and objects of a foreign row may be nested; no format of the field comes near."""


def take_text(row: Mapping[str, Any], name: str) -> str | None:
    """A field that is a non-empty text, or None."""
    value = row.get(name)
    return value if isinstance(value, str) and value else None


STATED = frozenset({"id", "source", "license", "licence", "data_source", "ds_name"})
"""What rows of any format may say about themselves."""


def take_source(row: Mapping[str, Any]) -> str | None:
    """The data set that a row says it is from, or None: the names of its columns prove nothing."""
    return next((text for name in ("source", "data_source", "ds_name") if (text := take_text(row, name))), None)


def take_license(row: Mapping[str, Any]) -> str | None:
    """The licence that a row states, or None."""
    return take_text(row, "license") or take_text(row, "licence")


def take_id(row: Row, context: ReadContext, name: str = "id") -> str:
    """A row's id, text or a number, as text; made of the file's name and the row's number where there is none."""
    value = row.get(name)
    if value is None or value == "" or value != value:  # a table has NaN where a number is missing
        return f"{context.path.stem}-{context.number}"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise context.error(f"{name!r} as text or a number", type(value).__name__)
    return str(value)


def build_row_record(
    row: Row,
    context: ReadContext,
    pictures: Iterable[Any],
    prompt: tuple[Turn, ...],
    responses: tuple[Response, ...],
    **more: Any,
) -> Record:
    """A record with the id, the source and the licence that the row states. Raises DataError at the row's place."""
    return context.build_record(
        id=take_id(row, context),
        images=context.store(pictures),
        prompt=prompt,
        responses=responses,
        source=take_source(row),
        license=take_license(row),
        **more,
    )


def take_meta(row: Row, context: ReadContext, known: Collection[str]) -> dict[str, Any]:
    """What a row holds besides its known fields, so that nothing is lost.

    A field `meta` that is JSON of an object, as our exports write it, is taken apart again, and an empty text there is
    nothing; what JSON cannot hold (a table's bytes, NaN) is counted in the context's notes.

    Raises:
        DataError: Values nested deeper than `MAX_DEPTH`, which could not be written again.
    """
    meta = {name: value for name, value in row.items() if name not in known and value is not None}
    text = meta.get("meta")
    if text == "":
        del meta["meta"]
    elif isinstance(text, str) and text.startswith("{"):
        del meta["meta"]
        meta |= parse_line(f"{context.where}: 'meta'", text.encode("utf-8", "surrogatepass"))
    plain = {name: value for name, value in meta.items() if _is_plain(value, context)}
    if len(plain) < len(meta):
        context.notes["fields that JSON cannot hold"] += len(meta) - len(plain)
    return plain


def write_meta(record: Record) -> dict[str, str]:
    """The fields `source`, `license` and `meta`, empty where the record has none; `meta` as JSON.

    Every row has all of them as texts: `datasets` takes the columns of a file and their types from its first ten
    megabytes, and fails on a row behind these that has another.
    """
    meta = json.dumps(record.meta, ensure_ascii=False) if record.meta else ""
    return {"source": record.source or "", "license": record.license or "", "meta": meta}


def mark_images(record: Record) -> tuple[Turn, ...]:
    """The prompt with one `<image>` per image: before the first user turn's text where the record has none."""
    if not record.images or any(IMAGE_PLACEHOLDER in turn.text for turn in record.prompt):
        return record.prompt
    first = next(number for number, turn in enumerate(record.prompt) if turn.role == "user")
    marks = IMAGE_PLACEHOLDER * len(record.images)
    return tuple(
        Turn(turn.role, marks + turn.text) if number == first else turn for number, turn in enumerate(record.prompt)
    )


def unmark_images(prompt: tuple[Turn, ...], count: int) -> tuple[Turn, ...]:
    """The prompt without the marks that `mark_images` puts there, which say what a record without any says.

    Marks in other places stay, and so do those that something else than the question's text follows.
    """
    first = next((number for number, turn in enumerate(prompt) if turn.role == "user"), len(prompt))
    marks = IMAGE_PLACEHOLDER * count
    if not count or first == len(prompt) or not prompt[first].text.startswith(marks):
        return prompt
    text = prompt[first].text.removeprefix(marks)
    others = (*prompt[:first], *prompt[first + 1 :])
    if not text or text[0].isspace() or any(IMAGE_PLACEHOLDER in turn.text for turn in (Turn("user", text), *others)):
        return prompt
    return (*prompt[:first], Turn("user", text), *prompt[first + 1 :])


def require_plain_answers(record: Record) -> None:
    """Raise DataError for an answer, or a question after one, that holds `<image>`: the readers of foreign formats put
    a picture there, or count one too few."""
    found = IMAGE_PLACEHOLDER
    for number, response in enumerate(record.responses):
        for turn in response.turns:
            if found in turn.text:
                expected = f"answers without {found}, which readers of this format take for a picture's place"
                raise refuse(record, expected, f"{found} in answer {number}, {turn.text[:60]!r}")


def iterate_pairs(record: Record, context: WriteContext) -> Iterator[tuple[str, Response, Response]]:
    """(id, best, worse) for every response below level 0; what pairs of texts lose is noted in the context.

    Raises:
        DataError: A record without a worse response, or an answer that holds a picture's mark.
    """
    require_plain_answers(record)
    best, *others = record.responses
    worse = [response for response in others if response.level > 0]
    if not worse:
        raise refuse(record, "a better and a worse response", "responses of one level")
    context.drop("levels", len(set(record.levels)) > 2)
    context.drop("ties with the best answer", len(others) - len(worse))
    context.drop("names of models", sum(response.model is not None for response in record.responses))
    for number, response in enumerate(worse, 1):
        context.drop("segment types", sum(segment.type is not None for segment in response.segments))
        context.drop("segments that a word-level difference does not give", not _is_difference(response, best))
        yield record.id if len(worse) == 1 else f"{record.id}-{number}", best, response


def _is_difference(worse: Response, best: Response) -> bool:
    """Whether a reader of the two texts would find the same spans again."""
    pairs = enumerate(zip(worse.rounds, best.rounds, strict=False))
    found = [segment for number, (own, better) in pairs for segment in diff_segments(own, better, round=number)]
    return not worse.segments or [_span(one) for one in worse.segments] == [_span(one) for one in found]


def _span(segment: Segment) -> tuple[int, ...]:
    return segment.round, segment.start, segment.end, segment.better_start, segment.better_end


def _is_plain(value: Any, context: ReadContext) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        if any(isinstance(one, float) and not math.isfinite(one) for one in level):
            return False
        if not all(one is None or isinstance(one, (str, int, float, list, dict)) for one in level):
            return False
        held = [one for one in level if isinstance(one, (list, dict))]
        level = [inner for one in held for inner in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return True
    fix = "leave the value out"
    raise context.error(f"values nested at most {MAX_DEPTH} deep", "lists or objects inside one another", fix)


def require_names(columns: Mapping[str, str], names: Collection[str], numbered: Collection[str] = ()) -> None:
    """Raise ConfigError for a name in a column map that means nothing; those in `numbered` may end with a number."""
    for name in columns:
        stem = name.rstrip("0123456789")
        if name not in names and not (stem in numbered and len(name) - len(stem) < 3):
            near = get_close_matches(name, names, 1)
            fix = f"did you mean {near[0]!r}?" if near else "see docs/formats.md"
            expected = f"one of {', '.join(names)} before the ="
            raise ConfigError("--columns", expected=expected, found=repr(name), fix=fix)


def find_field(row: Mapping[str, Any], purpose: str, usual: Iterable[str], context: ReadContext) -> str | None:
    """The field for a purpose: the one that the user named, or the first of the usual names that the row has.

    Raises:
        DataError: The row lacks the field that the user named.
    """
    named = context.columns.get(purpose)
    if named is not None and named not in row:
        found = f"only {', '.join(map(str, row)) or 'none'}"[:120]
        raise context.error(f"the field {named!r} for {purpose}", found, "check --columns, or fix the row")
    if named is not None:
        return named
    plain = {simplify(name): name for name in reversed(list(row))}
    return next((plain[simplify(name)] for name in usual if simplify(name) in plain), None)


def simplify(name: str) -> str:
    """A name's letters and digits in small letters: `Response-1`, `response_1` and `response1` are one."""
    return re.sub(r"[\W_]", "", name.lower())
