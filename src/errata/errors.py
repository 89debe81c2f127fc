"""The exception tree, the exit codes, and how messages count.

Every error a user can cause is an `ErrataError`: it says where, what was expected, what was found and what to do,
and the command prints it without a traceback and exits with `USAGE`. Anything else is a bug.
"""

from __future__ import annotations

import errno

DONE = 0
BUG = 1
USAGE = 2
INCOMPLETE = 3
INTERRUPTED = 130


class ErrataError(Exception):
    """An error with four parts, so that its reader knows the next step.

    Args:
        where: File and line, setting, row id or folder.
        expected: The rule that was broken.
        found: What stood there instead.
        fix: What the user can do about it.
    """

    def __init__(self, where: str, *, expected: str, found: str, fix: str) -> None:
        self.where, self.found = _cut(where), _cut(found)
        self.expected, self.fix = expected, fix
        super().__init__(f"{self.where}: {self.found}; expected {expected}; {fix}")


class DataError(ErrataError, ValueError):
    """A record, file or image that cannot be used as it is.

    Attributes:
        can_skip: It is one row of several, which a verb with `--skip-bad` can set aside.
    """

    can_skip = False


class ConfigError(ErrataError, ValueError):
    """A setting that does not exist or cannot have this value."""


class ModelError(ErrataError, RuntimeError):
    """A model, processor or checkpoint that cannot be loaded or cannot do what is asked of it."""


class JudgeError(ErrataError, RuntimeError):
    """A judge that cannot be reached or whose verdict cannot be read."""


class StorageError(ErrataError, OSError):
    """A folder or disk that cannot be read or written."""

    @classmethod
    def from_system(cls, where: object, error: OSError) -> StorageError:
        """What the system said while `where` was written, with what can be done about it."""
        fix = "choose another folder or make this one writable"
        if error.errno in FULL:
            fix = "free space and give the same command again to continue, or choose another folder"
        return cls(str(where), expected="a writable place with room", found=error.strerror or str(error), fix=fix)


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
