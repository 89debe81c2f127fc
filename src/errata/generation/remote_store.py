"""What an endpoint has said so far, on disk: answers, and the rounds of conversations that are not over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from errata.endpoints import REMEDIES, ChatFailure
from errata.generation.answers import AnswerFile
from errata.generation.dialogue import Dialogue
from errata.records import CHANGES, Answer, Missing, Question
from errata.storage import read_json_lines, remove_file, write_json_lines


def read_failures(out: str | Path) -> list[Missing]:
    """Why questions got no answer, as `OUT.failed.jsonl` says; nothing where there is no such file."""
    path = name_failures(out)
    if not path.is_file():
        return []
    rows = [row for _, row in read_json_lines(path)]
    return [
        Missing(row["id"], "no answer", f"{row['kind']}: {row['reason']}", REMEDIES.get(row["kind"], ""))
        for row in rows
    ]


def name_failures(out: str | Path) -> Path:
    """The file beside `out` that says which questions got no answer."""
    return _beside(Path(out), "failed")


class RemoteStore:
    """`OUT`, `OUT.rounds.jsonl` while conversations go on, and `OUT.failed.jsonl` where questions got no answer.

    Args:
        out: The file of answers; None keeps them in memory.
        run: What they depend on.

    Raises:
        ConfigError: The files hold answers of another run.
        StorageError: They cannot be read or written.
    """

    def __init__(self, out: str | Path | None, run: dict[str, Any]) -> None:
        self._run, self._path = run, None if out is None else Path(out)
        self._file: AnswerFile | None = None
        self._rounds: AnswerFile | None = None
        if self._path is not None:
            self._open(self._path)
        self.answers: dict[str, Answer] = dict(self._file.answers) if self._file is not None else {}

    def _open(self, path: Path) -> None:
        rounds = _beside(path, "rounds")
        started = path.exists()
        self._file = AnswerFile(path, self._run)
        if not started:  # rounds of a file that was removed are not those of this run
            remove_file(rounds)
            self._file.append([])
        if rounds.exists():
            self._rounds = AnswerFile(rounds, self._run)

    def restore(self, question: Question) -> Dialogue:
        """The conversation as far as it came in an earlier run."""
        dialogue = Dialogue(question)
        known = self._rounds.answers if self._rounds is not None else {}
        while (answer := known.get(_name_round(question.id, len(dialogue.said)))) is not None:
            dialogue.add(answer.text, finished=answer.finished, changes=answer.meta.get(CHANGES, {}))
        return dialogue

    def add_round(self, dialogue: Dialogue, model: str, *, finished: bool) -> None:
        """Keep what was just said in a conversation that goes on."""
        if self._path is None:
            return
        if self._rounds is None:
            self._rounds = AnswerFile(_beside(self._path, "rounds"), self._run)
        name = _name_round(dialogue.question.id, len(dialogue.said) - 1)
        meta = {CHANGES: dialogue.changes} if dialogue.changes else {}
        self._rounds.append([Answer(name, dialogue.said[-1], model, finished, meta)])

    def add(self, answer: Answer) -> None:
        """Keep an answer."""
        self.answers[answer.id] = answer
        if self._file is not None:
            self._file.append([answer])

    def finish(self, ids: Sequence[str], failures: Sequence[ChatFailure]) -> None:
        """Put the answers into this order, and say which questions have none."""
        if self._file is None or self._path is None:
            return
        self._file.put_in_order(ids)
        remove_file(name_failures(self._path))
        if failures:
            rows = [asdict(failure) for failure in sorted(failures, key=lambda each: each.id)]
            write_json_lines(name_failures(self._path), rows)
        elif self._rounds is not None:
            self._rounds.remove()


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}.jsonl")


def _name_round(name: str, number: int) -> str:
    return f"{name} round {number + 1}"
