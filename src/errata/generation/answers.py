"""Answers as JSON lines that grow while a run goes on, survive its end at any moment, and let it continue."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from errata.errors import ConfigError, DataError, StorageError
from errata.records import Answer, read_json_lines, write_text


def read_answers(path: str | Path) -> list[Answer]:
    """Answers of a finished file. Raises DataError with `file:line`."""
    return [_parse_answer(row, where) for where, row in read_json_lines(path)]


class AnswerFile:
    """The growing file of a run, with `<name>.run.json` beside it that says which run it is.

    Args:
        path: The JSON lines.
        run: What the answers depend on, as JSON values.

    Raises:
        ConfigError: The file holds answers of another run.
    """

    def __init__(self, path: str | Path, run: dict[str, Any]) -> None:
        self.path = Path(path)
        self._check_run(run)
        self.answers = {answer.id: answer for answer in self._recover()}

    def _check_run(self, run: dict[str, Any]) -> None:
        """Answers of two models or settings in one file could not be told apart later."""
        beside = self.path.with_name(self.path.name + ".run.json")
        text = json.dumps(run, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        if self.path.exists():
            try:
                known = beside.read_text(encoding="utf-8")
            except OSError:
                known = ""
            if known != text:
                raise ConfigError(
                    str(self.path),
                    expected="answers of this model to these questions with these settings, to be continued",
                    found="answers of another run" if known else "answers of an unknown run",
                    fix="start over with --fresh or choose another --out",
                )
        else:
            write_text(beside, text)

    def _recover(self) -> list[Answer]:
        """What is on disk; a last line that a kill cut short is removed from the file."""
        if not self.path.exists():
            return []
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        return read_answers(self.path)

    def append(self, answers: Sequence[Answer]) -> None:
        """Add answers and hand them to the disk. Raises StorageError."""
        text = "".join(json.dumps(asdict(answer), ensure_ascii=False) + "\n" for answer in answers)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(
                str(self.path),
                expected="a writable file with room",
                found=error.strerror or str(error),
                fix="free space and run the same command again; it continues",
            ) from error
        self.answers.update((answer.id, answer) for answer in answers)


def _parse_answer(row: Any, where: str) -> Answer:
    try:
        answer = Answer(**row)
        good = isinstance(answer.id, str) and isinstance(answer.text, str) and isinstance(answer.meta, dict)
    except TypeError:
        good = False
    if not good:
        raise DataError(
            where,
            expected="an answer with 'id' and 'text' as strings",
            found="other fields or types",
            fix="fix the row or generate the file again",
        )
    return answer
