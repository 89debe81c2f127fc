"""Texts that no tokenizer, page or file can hold well, refused where they come in."""

from __future__ import annotations

from collections.abc import Iterator

from errata.errors import DataError
from errata.records import Record
from errata.storage import format_line

MAX_CHARACTERS = 100_000
"""Of one turn. The longest answers of the field have some thousands; a word-level difference takes the square."""


def require_text(record: Record, where: str) -> None:
    """Raise DataError that begins with `where` for what no file of records can hold.

    That is a turn with a null character, half a character or far too many, and anything beside the turns that JSON
    has no form for.
    """
    for name, text in _list_texts(record):
        found = _find_trouble(text)
        if found is not None:
            expected = f"text of at most {MAX_CHARACTERS:,} characters, without null ones and halves of characters"
            raise DataError(f"{where}: {name}", expected=expected, found=found, fix="fix the row or drop it")
    models = [response.model for response in record.responses]
    format_line(where, [record.images, models, record.source, record.license, record.meta])


def _list_texts(record: Record) -> Iterator[tuple[str, str]]:
    yield "its id", record.id
    for turn in record.prompt:
        yield f"a turn of the {turn.role}", turn.text
    for number, response in enumerate(record.responses):
        for turn in response.turns:
            yield f"answer {number}", turn.text


def _find_trouble(text: str) -> str | None:
    if len(text) > MAX_CHARACTERS:
        return f"{len(text):,} characters"
    if "\0" in text:
        return f"a null character at {text.index(chr(0))}"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"half of a surrogate pair at {error.start}"
    return None
