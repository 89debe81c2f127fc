"""Judges that need no model: rules, or replies recorded in a file. Tests and offline runs use them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from errata.errors import DataError
from errata.judges.backend import JudgeFailure, JudgeReply, JudgeRequest, OnReply
from errata.records import Fields
from errata.storage import read_json_lines

Rule = Callable[[JudgeRequest], str]
"""A request to the text of the reply, from the call's values and images, or from the message as a model would."""


class ScriptedJudge:
    """Replies by rule.

    Args:
        name: Verdicts are kept under it: change it with the rules.
        rules: By the name of the prompt; a prompt without a rule gets no reply.
    """

    free = True

    def __init__(self, name: str, rules: Mapping[str, Rule]) -> None:
        self.name = self.model = f"scripted:{name}"
        self._rules = rules

    def check(self, *, images: bool = False) -> None:
        """Rules lack nothing."""

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Reply to each in turn."""
        for request in requests:
            rule = self._rules.get(request.call.prompt.name)
            if rule is None:
                on_reply(JudgeFailure(request.key, f"{self.name} has no rule for {request.call.prompt.name}"))
            else:
                on_reply(JudgeReply(request.key, rule(request)))


class RecordedJudge:
    """Replies from a table: JSON lines of `{"prompt", "id", "reply"}` by the prompt's name and the call's id.

    `reply` may be a list, one for each sample. The same file with other contents is another judge.

    Raises:
        DataError: A row that is none, or two for one call.
    """

    free = True

    def __init__(self, path: str | Path) -> None:
        self._replies = _read_table(Path(path))
        self.name = f"scripted:{path}"
        self.model = f"scripted:{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:20]}"

    def check(self, *, images: bool = False) -> None:
        """The table has been read."""

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Reply to what is recorded."""
        for request in requests:
            where = (request.call.prompt.name, request.call.id)
            replies = self._replies.get(where, ())
            if request.sample < len(replies):
                on_reply(JudgeReply(request.key, replies[request.sample]))
            else:
                reason = f"no reply to {where[0]} {where[1]!r} is recorded"
                on_reply(JudgeFailure(request.key, reason, f"add it to {self.name.removeprefix('scripted:')}"))


def _read_table(path: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    table: dict[tuple[str, str], tuple[str, ...]] = {}
    for where, row in read_json_lines(path):
        fields = Fields(row, where, "recorded reply")
        place = (fields.take("prompt", str), fields.take("id", str))
        table_row = _read_replies(fields.take("reply", (str, list)), where)
        fields.finish()
        if place in table:
            raise DataError(where, expected="one row per call", found=f"a second one for {place[1]!r}", fix="drop it")
        table[place] = table_row
    return table


def _read_replies(value: Any, where: str) -> tuple[str, ...]:
    replies = [value] if isinstance(value, str) else value
    if not all(isinstance(reply, str) for reply in replies):
        raise DataError(where, expected="'reply' as a text or texts", found="another type in it", fix="fix the row")
    return tuple(replies)
