"""One table of an SQLite file that several processes may write at once, and what can go wrong with it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from errata.errors import ErrataError, JudgeError, StorageError

WAIT_S = 60.0
"""How long one process waits for another's write."""
KEYS_AT_ONCE = 500
"""Keys that one query asks for."""
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "wait for the process that holds it, or choose another file for the cache",
    sqlite3.SQLITE_NOTADB: "choose another file for the cache",
    sqlite3.SQLITE_CORRUPT: "put back a copy of it, or choose another file for the cache",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable, or choose another file for the cache",
    sqlite3.SQLITE_CANTOPEN: "choose a file in a folder that is writable",
}


@dataclass(frozen=True, slots=True)
class Table:
    """What the file holds.

    Attributes:
        what: As errors call it: "a cache of verdicts".
        version: Of its form; a file of another version is refused.
        name: Of the table.
        columns: In the order of `create`.
        create: The statement that makes it.
        error: Raised on a file that holds something else.
        upgrades: The statements that make the form of the next version of an earlier one's, by its number.
    """

    what: str
    version: int
    name: str
    columns: tuple[str, ...]
    create: str
    error: type[ErrataError] = JudgeError
    upgrades: Mapping[int, str] = field(default_factory=dict)


class SqliteFile:
    """The file, open while it is entered. A killed process loses nothing that was put; several may use it at once.

    Args:
        path: Made with its folders where it does not exist.
        table: What it holds.

    Raises:
        StorageError: It cannot be read or written.
        ErrataError: The table's own: it is something else, or of a later version.
    """

    def __init__(self, path: str | Path, table: Table) -> None:
        self.path, self._table = Path(path), table

    def __enter__(self) -> Self:
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

    def _find_rows(self, keys: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """The rows of these keys, all columns, in no order; the first column is the key."""
        with self._storing():
            for start in range(0, len(keys), KEYS_AT_ONCE):
                some = keys[start : start + KEYS_AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT {', '.join(self._table.columns)} FROM {self._table.name} "
                query += f"WHERE {self._table.columns[0]} IN ({marks})"
                yield from self._connection.execute(query, some).fetchall()

    def _put_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Keep rows, all or none; where another process was first with a key, its row stands."""
        query = f"INSERT OR IGNORE INTO {self._table.name} ({', '.join(self._table.columns)}) "
        query += f"VALUES ({','.join('?' * len(self._table.columns))})"
        with self._storing():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(query, rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _prepare(self) -> None:
        # In this order: another process makes both at once, perhaps between the two.
        known = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version in self._table.upgrades:
            version = self._upgrade()
        if version != self._table.version and (version or known):
            raise self._refuse(f"version {version}" if version else "another database")
        self._switch_to_log()
        self._connection.execute("PRAGMA synchronous = NORMAL")  # a kill loses nothing; the power may take the last one
        if not version:
            # As one: a table without its version would pass for another database after a kill.
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {self._table.create}; PRAGMA user_version = {self._table.version}; COMMIT"
            )
        if self._list_columns() != self._table.columns:
            raise self._refuse_columns()

    def _upgrade(self) -> int:
        """Bring the file to this version's form, unless another process did meanwhile; returns its version."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
            while version in self._table.upgrades:
                added = len(self._list_columns())
                if self._list_columns() != self._table.columns[:added]:
                    raise self._refuse_columns()
                for statement in self._table.upgrades[version].split(";"):
                    self._connection.execute(statement)
                version += 1
                self._connection.execute(f"PRAGMA user_version = {version}")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return version

    def _list_columns(self) -> tuple[str, ...]:
        return tuple(row[1] for row in self._connection.execute(f"PRAGMA table_info({self._table.name})"))

    def _refuse_columns(self) -> ErrataError:
        return self._refuse(f"a table of other columns: {', '.join(self._list_columns())[:120] or 'none'}")

    def _refuse(self, found: str) -> ErrataError:
        return self._table.error(
            str(self.path),
            expected=f"{self._table.what} of version {self._table.version}",
            found=found,
            fix="choose another file for the cache",
        )

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
                expected=f"{self._table.what} that can be read and written",
                found=str(error),
                fix=_find_remedy(error),
            ) from error


def _find_remedy(error: sqlite3.Error) -> str:
    """What to do about it, by SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # errors of the Python module itself have none
    return _REMEDIES.get(code, "free space, or choose another file for the cache")
