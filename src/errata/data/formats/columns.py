"""What `--columns` says: which column of a table, or field of a task, holds what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from errata.data.formats.format import ReadContext
from errata.errors import ConfigError


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
