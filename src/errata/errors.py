"""The exception tree, the exit codes, and how messages count.

Every error a user can cause is an `ErrataError`: it says where, what was expected, what was found and what to do,
and the command prints it without a traceback and exits with `USAGE`. Anything else is a bug.
"""

from __future__ import annotations

import errno
from typing import Self

DONE = 0
BUG = 1
USAGE = 2
INCOMPLETE = 3
INTERRUPTED = 130


class ErrataError(Exception):
    """An error with four parts, so that its reader knows the next step, and a code for programs.

    Args:
        where: File and line, setting, row id or folder.
        expected: The rule that was broken.
        found: What stood there instead.
        fix: What the user can do about it; empty where that is nothing.
        code: What kind of error it is, a key of `CODES`; that of its class where it is none of the finer kinds.

    Attributes:
        can_skip: It is one row of several, which a verb with `--skip-bad` can set aside.
    """

    code = "error"
    can_skip = False

    def __init__(self, where: str, *, expected: str, found: str, fix: str, code: str = "") -> None:
        self.where, self.found = _cut(where), _cut(found)
        self.expected, self.fix = expected, fix
        self.code = code or type(self).code
        if self.code not in CODES:
            raise ValueError(f"no error has the code {self.code!r}")
        super().__init__(f"{self.where}: {self.found}; expected {expected}" + (f"; {fix}" if fix else ""))

    def within(self, where: object) -> Self:
        """The same error with an outer place in front: the file of a row, the record of a picture."""
        return self._repeat(f"{where}: {self.where}", self.fix)

    def at(self, where: object) -> Self:
        """The same error at another place, where the code that raised it did not know the name."""
        return self._repeat(str(where), self.fix)

    def with_fix(self, fix: str) -> Self:
        """The same error with other advice."""
        return self._repeat(self.where, fix)

    def _repeat(self, where: str, fix: str) -> Self:
        error = type(self)(where, expected=self.expected, found=self.found, fix=fix, code=self.code)
        error.can_skip = self.can_skip
        return error


class DataError(ErrataError, ValueError):
    """A record, file or image that cannot be used as it is."""

    code = "data"


class ConfigError(ErrataError, ValueError):
    """A setting that does not exist or cannot have this value."""

    code = "config"


class ModelError(ErrataError, RuntimeError):
    """A model, processor or checkpoint that cannot be loaded or cannot do what is asked of it."""

    code = "model"


class JudgeError(ErrataError, RuntimeError):
    """A judge that cannot be reached or whose verdict cannot be read."""

    code = "judge"


class StorageError(ErrataError, OSError):
    """A folder or disk that cannot be read or written."""

    code = "storage"

    @classmethod
    def from_system(cls, where: object, error: OSError) -> StorageError:
        """What the system said while `where` was written, with what can be done about it."""
        fix = "choose another folder or make this one writable"
        if error.errno in FULL:
            fix = "free space and give the same command again to continue, or choose another folder"
        return cls(str(where), expected="a writable place with room", found=error.strerror or str(error), fix=fix)


CODES = {
    "error": "an error of no other kind",
    "data": "a record, file or picture that cannot be used as it is",
    "config": "a setting or an argument that cannot have this value",
    "model": "a model, processor or checkpoint that cannot be loaded, or cannot do what is asked of it",
    "judge": "a judge that cannot be reached, or whose verdict cannot be read",
    "storage": "a folder or disk that cannot be read or written",
    "unknown-setting": "a setting that does not exist",
    "other-run": "a folder that holds a run with other settings or data",
    "image-mode": "a way to make pixels that the model does not have",
    "missing-package": "an optional package that is not installed",
    "column": "columns that may hold what nothing reads: name them with --columns, or leave them out with --ignore",
    "file": "a file that is not there or cannot be read",
    "image": "images that are not there, do not open, lie outside their folder, or that no model takes",
    "json": "lines that are not one JSON value",
    "encoding": "bytes that are not UTF-8, or half of a surrogate pair",
    "field": "fields that are missing, unknown or of another type",
    "duplicate-id": "ids that an earlier row has",
    "turns": "turns in another order than question, answer, question, answer",
    "placeholder": "more or fewer <image> than images, or one in an answer",
    "empty": "no question, no answer, or one without text",
    "identical": "two equal answers",
    "levels": "levels that are not sorted, do not begin at 0 or leave one out",
    "segment": "segments outside their texts, that overlap or that change nothing",
}
"""What the code of an error means."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when a disk, a quota or the largest size of a file is exhausted."""


LONGEST_PART = 600
"""Characters of an error's place or finding: a picture as text, or a list of all names, is no message."""


def quote(value: object, most: int = 80) -> str:
    """A value as messages show it: on one line, cut off where it is longer than `most` characters."""
    text = repr(value[:most] if isinstance(value, (str, bytes)) else value)
    whole = len(text) <= most and not (isinstance(value, (str, bytes)) and len(value) > most)
    return text if whole else text[: most - 1] + "…"


def _cut(text: str) -> str:
    """The text, or its beginning and its end."""
    if len(text) <= LONGEST_PART:
        return text
    return f"{text[: LONGEST_PART // 2]} … {text[-LONGEST_PART // 3 :]}"


def count_noun(number: int, noun: str, plural: str = "") -> str:
    """`1 row`, `2 rows`; of nouns that do not take an s, `plural` is given."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
