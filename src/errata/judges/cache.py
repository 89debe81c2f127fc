"""All replies of all judges in one SQLite file, so that nothing is asked twice and everything can be scored again."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from errata.errors import JudgeError, StorageError
from errata.judges.cached_reply import COLUMNS, CachedReply, find_wrong_type

CACHE_FORMAT = 1
WAIT_S = 60.0
"""How long one process waits for another's write."""
KEYS_AT_ONCE = 500
_REMEDIES = {
    "locked": "wait for the process that holds it, or choose another file for the cache",
    "not a database": "choose another file for the cache",
    "malformed": "put back a copy of it, or choose another file for the cache",
    "readonly": "make the file and its folder writable, or choose another file for the cache",
    "unable to open": "choose a file in a folder that is writable",
}
_CREATE = """
CREATE TABLE IF NOT EXISTS replies (
  key TEXT PRIMARY KEY, judge TEXT NOT NULL, model TEXT NOT NULL,
  prompt TEXT NOT NULL, prompt_version INTEGER NOT NULL, prompt_hash TEXT NOT NULL,
  images TEXT NOT NULL, parameters TEXT NOT NULL, sample INTEGER NOT NULL, attempt INTEGER NOT NULL,
  raw TEXT NOT NULL, parsed TEXT, reply_model TEXT NOT NULL,
  prompt_tokens INTEGER, completion_tokens INTEGER, price REAL, seconds REAL NOT NULL, at TEXT NOT NULL
) WITHOUT ROWID"""


class VerdictCache:
    """The file, open while it is entered. A killed process loses no reply that was put; several may use it at once.

    Args:
        path: Made with its folders where it does not exist.

    Raises:
        StorageError: It cannot be read or written.
        JudgeError: It is something else, or of a later version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __enter__(self) -> VerdictCache:
        with self._storing():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
        try:
            with self._storing():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def find(self, keys: Sequence[str]) -> dict[str, CachedReply]:
        """The replies that are known, by key."""
        found: dict[str, CachedReply] = {}
        with self._storing():
            for start in range(0, len(keys), KEYS_AT_ONCE):
                some = keys[start : start + KEYS_AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT {', '.join(COLUMNS)} FROM replies WHERE key IN ({marks})"
                found |= {row[0]: self._read(row) for row in self._connection.execute(query, some)}
        return found

    def put(self, reply: CachedReply) -> CachedReply:
        """Keep a reply. Where another process was first, its reply stands and is returned."""
        with self._storing():
            self._connection.execute(
                f"INSERT OR IGNORE INTO replies ({', '.join(COLUMNS)}) VALUES ({','.join('?' * len(COLUMNS))})",
                astuple(reply),
            )
        return self.find([reply.key])[reply.key]

    def _prepare(self) -> None:
        # In this order: another process makes both at once, perhaps between the two.
        known = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version != CACHE_FORMAT and (version or known):
            raise self._refuse(f"version {version}" if version else "another database")
        self._switch_to_log()
        self._connection.execute("PRAGMA synchronous = NORMAL")  # a kill loses nothing; the power may take the last one
        if not version:
            # As one: a table without its version would pass for another database after a kill.
            self._connection.executescript(f"BEGIN IMMEDIATE; {_CREATE}; PRAGMA user_version = {CACHE_FORMAT}; COMMIT")
        columns = tuple(row[1] for row in self._connection.execute("PRAGMA table_info(replies)"))
        if columns != COLUMNS:
            raise self._refuse(f"a table of other columns: {', '.join(columns)[:120] or 'none'}")

    def _refuse(self, found: str) -> JudgeError:
        return JudgeError(
            str(self.path),
            expected=f"a cache of verdicts of version {CACHE_FORMAT}",
            found=found,
            fix="choose another file for the cache",
        )

    def _read(self, row: Sequence[Any]) -> CachedReply:
        if wrong := find_wrong_type(row):
            raise self._refuse(wrong)
        return CachedReply(*row)

    def _switch_to_log(self) -> None:
        """SQLite does not wait here when two processes open a new file together."""
        until = time.monotonic() + WAIT_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError.from_system(self.path, error) from error
        except sqlite3.Error as error:
            raise StorageError(
                str(self.path),
                expected="a cache of verdicts that can be read and written",
                found=str(error),
                fix=_find_remedy(str(error)),
            ) from error


def _find_remedy(found: str) -> str:
    """What to do about SQLite's message."""
    known = (remedy for words, remedy in _REMEDIES.items() if words in found)
    return next(known, "free space, or choose another file for the cache")


def to_json(value: Any) -> str | None:
    """A verdict as the cache keeps it; None for one that JSON cannot hold, which the raw reply still tells."""
    with suppress(ValueError, TypeError, RecursionError):
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return None


def now() -> str:
    """The time, to the second, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
