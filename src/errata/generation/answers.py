"""Answers as JSON lines that grow while a run goes on, survive its end at any moment, and let it continue."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from errata.errors import DataError
from errata.records import Answer, Question, answer_to_row, read_answers, write_answers
from errata.storage import read_stated, remove_file, require_same_run, storing, write_json_lines, write_text

SYNC_S = 1.0

OnAnswers = Callable[[int, int, int], None]
"""Called with the answers there are, the questions, and the tokens written since the run began."""

OnFailure = Callable[[str, Exception], object]
"""Called with the id of a question that cannot be answered, and why."""

Check = Callable[[Question], object]
"""Raises DataError for a question that is not to be asked."""


def write_failures(out: str | Path, reasons: Mapping[str, str]) -> None:
    """Say in `OUT.failed.jsonl` which questions got no answer from a model that is loaded here; remove an older one.

    Raises:
        StorageError: It cannot be written.
    """
    path = Path(out).with_name(f"{Path(out).name}.failed.jsonl")
    if reasons:
        rows = [{"id": name, "kind": "question", "reason": reasons[name], "attempts": 1} for name in sorted(reasons)]
        write_json_lines(path, rows)
    else:
        remove_file(path)


def check_ids(questions: Sequence[Question]) -> None:
    """Raise DataError when an id occurs twice: answers are joined by id."""
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise DataError(
                f"question {question.id!r}", expected="ids that occur once", found="the same id again", fix="rename it"
            )
        seen.add(question.id)


class AnswerFile:
    """The growing file of a run, with `<name>.run.json` beside it that says which run it is.

    Args:
        path: The JSON lines.
        run: What the answers depend on, as JSON values.

    Raises:
        ConfigError: The file holds answers of another run.
        StorageError: It cannot be read or written, or is a folder.
    """

    def __init__(self, path: str | Path, run: dict[str, Any]) -> None:
        self.path, self._synced = Path(path), float("-inf")
        with storing(self.path):
            self._check_run(run)
            self.answers = {answer.id: answer for answer in self._recover()}

    @property
    def _beside(self) -> Path:
        return self.path.with_name(self.path.name + ".run.json")

    def _check_run(self, run: dict[str, Any]) -> None:
        """Answers of two models or settings in one file could not be told apart later; an empty file has none."""
        beside = self._beside
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not self.path.exists() or not self.path.stat().st_size:
            write_text(beside, json.dumps(run, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
            return
        require_same_run(
            beside,
            read_stated(beside),
            run,
            expected="answers of this model to these questions with these settings, to be continued",
            what="answers",
        )

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
        """Add answers, which survive the end of this process from then on. Raises StorageError.

        They are handed to the disk at most every `SYNC_S`, which a power cut may cost: those of an endpoint come by the
        hundred a second.
        """
        text = "".join(json.dumps(answer_to_row(answer), ensure_ascii=False) + "\n" for answer in answers)
        with storing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if time.monotonic() - self._synced >= SYNC_S:
                os.fsync(file.fileno())
                self._synced = time.monotonic()
        self.answers.update((answer.id, answer) for answer in answers)

    def put_in_order(self, ids: Iterable[str]) -> None:
        """Write the answers there are in this order: a finished file does not tell in which order they came."""
        ordered = {name: self.answers[name] for name in ids if name in self.answers}
        if list(ordered) != list(self.answers):
            write_answers(self.path, ordered.values())
            self.answers = ordered

    def remove(self) -> None:
        """Remove the file and what says which run it is of: nothing needs it any more."""
        remove_file(self.path)
        remove_file(self._beside)
