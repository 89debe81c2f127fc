"""Taking the fields of a JSON object apart by type, so that a missing, misspelt or mistyped one is named."""

from __future__ import annotations

from typing import Any

from errata.errors import DataError
from errata.records.preference import ROLES, Turn

WITH_META = ("record", "question", "answer")
"""What has a field `meta` for values of its owner's."""


class Fields:
    """The fields of a JSON object, each taken once and by type.

    Args:
        row: The decoded JSON.
        where: Begins every error.
        noun: What the object is.
        fix: What a user can do about a field that is wrong.

    `raw` is the object, `rest` what has not been taken yet; `finish` makes that an error.
    """

    def __init__(self, row: Any, where: str, noun: str, *, fix: str = "fix the row") -> None:
        if not isinstance(row, dict):
            raise DataError(
                where, expected=f"a {noun} as a JSON object", found=type(row).__name__, fix=fix, code="field"
            )
        self.raw: dict[str, Any] = row
        self.rest, self.where, self.noun, self.fix = dict(row), where, noun, fix

    def take(self, name: str, kind: type | tuple[type, ...], *default: Any) -> Any:
        """The value of a field. Raises DataError when it is of another kind, or missing without a default."""
        value = self.rest.pop(name, None)
        if value is None and default:
            return default[0]
        accepted = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kind) or (isinstance(value, bool) and bool not in accepted):
            kinds = " or ".join(one.__name__ for one in accepted)
            found = f"field {name!r} is missing" if value is None else f"field {name!r} is {type(value).__name__}"
            raise DataError(self.where, expected=f"{name!r} as {kinds}", found=found, fix=self.fix, code="field")
        return value

    def take_texts(self, name: str, *, needed: bool = False) -> tuple[str, ...]:
        """A list of strings; empty where the field is missing, unless it is needed."""
        values = self.take(name, list, *(() if needed else ([],)))
        if not all(isinstance(value, str) for value in values):
            raise DataError(
                self.where,
                expected=f"{name!r} as a list of texts",
                found="another type in it",
                fix=self.fix,
                code="field",
            )
        return tuple(values)

    def finish(self) -> None:
        """Raise DataError when a field was not taken."""
        if self.rest:
            found = "unknown field " + ", ".join(repr(name) for name in self.rest)
            raise DataError(
                self.where,
                expected=f"only the fields of a {self.noun}",
                found=found,
                fix=f"put other values under the {self.noun}'s 'meta'"
                if self.noun in WITH_META
                else "remove or rename it",
                code="field",
            )


def parse_turns(value: Any, role: str, where: str) -> tuple[Turn, ...]:
    """A text as one turn of `role`, or a list of `{"role", "text"}` as turns."""
    if isinstance(value, str):
        value = [{"role": role, "text": value}]
    turns = []
    for number, item in enumerate(value):
        fields = Fields(item, f"{where}: turn {number}", "turn")
        turn = Turn(fields.take("role", str), fields.take("text", str))
        fields.finish()
        if turn.role not in ROLES:
            raise DataError(
                fields.where,
                expected=f"a role of {', '.join(ROLES)}",
                found=f"role {turn.role!r}",
                fix="rename the role",
                code="turns",
            )
        turns.append(turn)
    return tuple(turns)
