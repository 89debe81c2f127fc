"""Taking the fields of a JSON object apart by type, so that a missing, misspelt or mistyped one is named."""

from __future__ import annotations

from typing import Any

from errata.errors import DataError
from errata.records.conversation import ROLES, Turn


class Fields:
    """The fields of a JSON object, each taken once and by type; what is left over is an error."""

    def __init__(self, row: Any, where: str, noun: str) -> None:
        if not isinstance(row, dict):
            raise DataError(
                where,
                expected=f"a {noun} as a JSON object",
                found=type(row).__name__,
                fix="fix the row or set it aside",
            )
        self.rest, self.where, self.noun = dict(row), where, noun

    def take(self, name: str, kind: type | tuple[type, ...], *default: Any) -> Any:
        """The value of a field. Raises DataError when it is of another kind, or missing without a default."""
        value = self.rest.pop(name, None)
        if value is None and default:
            return default[0]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            kinds = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            found = f"field {name!r} is missing" if value is None else f"field {name!r} is {type(value).__name__}"
            raise DataError(
                self.where,
                expected=f"{name!r} as {kinds}",
                found=found,
                fix="fix the row or run with --skip-bad to set it aside",
            )
        return value

    def take_texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where the field is missing."""
        values = self.take(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise DataError(
                self.where, expected=f"{name!r} as a list of texts", found="another type in it", fix="fix the row"
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
                fix="put other values under the record's 'meta'",
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
            )
        turns.append(turn)
    return tuple(turns)
