"""All replies of all judges in one SQLite file, so that nothing is asked twice and everything can be scored again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from errata.judges.cached_reply import COLUMNS, CachedReply, find_wrong_type
from errata.storage import SqliteFile, Table

CACHE_FORMAT = 2
_CREATE = """
CREATE TABLE IF NOT EXISTS replies (
  key TEXT PRIMARY KEY, judge TEXT NOT NULL, model TEXT NOT NULL,
  prompt TEXT NOT NULL, prompt_version INTEGER NOT NULL, prompt_hash TEXT NOT NULL,
  images TEXT NOT NULL, parameters TEXT NOT NULL, sample INTEGER NOT NULL, attempt INTEGER NOT NULL,
  raw TEXT NOT NULL, parsed TEXT, reply_model TEXT NOT NULL,
  prompt_tokens INTEGER, completion_tokens INTEGER, price REAL, seconds REAL NOT NULL, at TEXT NOT NULL,
  finished INTEGER NOT NULL DEFAULT 1, changes TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID"""
_FROM_1 = """
ALTER TABLE replies ADD COLUMN finished INTEGER NOT NULL DEFAULT 1;
ALTER TABLE replies ADD COLUMN changes TEXT NOT NULL DEFAULT '{}';
UPDATE replies SET finished = 0
  WHERE prompt NOT LIKE 'claim-label%' AND completion_tokens >= json_extract(parameters, '$.max_tokens')"""
"""Version 1 did not say whether a reply was cut off; the server's count of tokens does. A label is its first word."""
_TABLE = Table("a cache of verdicts", CACHE_FORMAT, "replies", COLUMNS, _CREATE, upgrades={1: _FROM_1})


class VerdictCache(SqliteFile):
    """The file, open while it is entered. A killed process loses no reply that was put; several may use it at once.

    Args:
        path: Made with its folders where it does not exist.

    Raises:
        StorageError: It cannot be read or written.
        JudgeError: It is something else, or of a later version.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, _TABLE)

    def find(self, keys: Sequence[str]) -> dict[str, CachedReply]:
        """The replies that are known, by key."""
        return {row[0]: self._read(row) for row in self._find_rows(keys)}

    def put(self, reply: CachedReply) -> CachedReply:
        """Keep a reply. Where another process was first, its reply stands and is returned."""
        self._put_rows([astuple(reply)])
        return self.find([reply.key])[reply.key]

    def _read(self, row: Sequence[Any]) -> CachedReply:
        if wrong := find_wrong_type(row):
            raise self._refuse(wrong)
        return CachedReply(*row)


def to_json(value: Any) -> str | None:
    """A verdict as the cache keeps it; None for one that JSON cannot hold, which the raw reply still tells."""
    with suppress(ValueError, TypeError, RecursionError):
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return None


def now() -> str:
    """The time, to the second, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
