"""One sample of one call on its way from question to verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from errata.judges.cache import to_json
from errata.judges.cached_reply import CachedReply
from errata.judges.calls import JudgeCall
from errata.judges.verdicts import Sample, Status
from errata.text import split_reasoning

Number = TypeVar("Number", int, float)
EXCERPT = 120
"""Characters of an unreadable reply that its reason shows."""
MORE_ROOM = 4
"""A reply that the limit of tokens ended is asked for once more with so many times as much room,"""
LEAST_ROOM = 4096
"""and with at least this much: a model that reasons needs it."""
MORE_TOKENS = "more room for the judge with --judge-max-tokens"
OTHER_REPLY = "the replies are kept; another judge, or --judge-temperature above 0, may reply otherwise"
NO_END = "the reply is reasoning that does not end"


def widen(max_tokens: int) -> int:
    """The room of the second try of a reply that was cut off."""
    return max(LEAST_ROOM, MORE_ROOM * max_tokens)


@dataclass
class Pending:
    """The replies so far and what became of them.

    Attributes:
        keys: Where the reply of each attempt is kept, with the room that was asked for.
        wide_keys: The same with more room, from the attempt after a reply that was cut off on.
        rooms: Both limits of tokens.
        attempts: Replies that may be unreadable before the call is.
    """

    call: JudgeCall
    sample: int
    keys: tuple[str, ...]
    wide_keys: tuple[str, ...]
    rooms: tuple[int, int]
    attempts: int
    replies: list[CachedReply] = field(default_factory=list)
    status: Status | None = None
    value: Any = None
    reason: str = ""
    cause: str = ""
    remedy: str = ""

    @property
    def was_cut(self) -> bool:
        """Whether the limit of tokens ended a reply; every later one has more room."""
        return any(not reply.finished for reply in self.replies)

    @property
    def room(self) -> int:
        """Tokens of the next reply, at most."""
        return self.rooms[self.was_cut]

    @property
    def next_key(self) -> str:
        """Where the next reply is kept."""
        return (self.wide_keys if self.was_cut else self.keys)[len(self.replies)]

    def take(self, reply: CachedReply) -> None:
        """Read the next reply, with the call's own parser and without thoughts; one that was cut off is not read."""
        room, again = self.room, self.was_cut
        self.replies.append(reply)
        said = split_reasoning(reply.raw)
        if not reply.finished:
            self._fail_to_read(
                f"cut off at {self.rooms[0]} tokens" + (f" and again at {room}" if again else ""), reply.raw
            )
            self.remedy, self.status = MORE_TOKENS, "unreadable" if again else None
            return
        try:
            if not said.finished:
                raise ValueError(NO_END)
            self.value, self.status = self.call.parse(said.answer), "read"
        except (ValueError, RecursionError) as error:
            self._fail_to_read(str(error)[:EXCERPT] or "no verdict", reply.raw)
            self.remedy = OTHER_REPLY
            if sum(bool(one.finished) for one in self.replies) == self.attempts:
                self.status = "unreadable"

    def _fail_to_read(self, cause: str, raw: str) -> None:
        self.cause, self.reason = cause, f"{cause}, in the reply {raw[:EXCERPT]!r}"

    def lose(self, reason: str, remedy: str = "") -> None:
        """There is no reply."""
        self.status, self.reason, self.cause, self.remedy = "missing", reason, reason, remedy

    def build_sample(self, price_of: Callable[[CachedReply], float | None]) -> Sample:
        """What the verdict holds of it, with the costs of all its attempts."""
        replies = self.replies
        read = self.status == "read"
        return Sample(
            status=self.status or "missing",
            value=self.value if read else None,
            raw=replies[-1].raw if replies else "",
            reason="" if read else self.reason,
            cause="" if read else self.cause,
            remedy="" if read else self.remedy,
            model=replies[-1].reply_model if replies else "",
            attempts=len(replies),
            cut=sum(not reply.finished for reply in replies),
            changes=json.loads(replies[-1].changes) if replies else {},
            prompt_tokens=add_known([reply.prompt_tokens for reply in replies]),
            completion_tokens=add_known([reply.completion_tokens for reply in replies]),
            price=add_known([price_of(reply) for reply in replies]),
            seconds=sum(reply.seconds for reply in replies),
        )


def add_known(values: Sequence[Number | None]) -> Number | int | None:
    """The sum; None where a part is unknown."""
    return None if None in values else sum(value for value in values if value is not None)


def parse_for_record(call: JudgeCall, text: str, *, finished: bool) -> str | None:
    """The verdict as the cache keeps it beside the reply; None where there is none."""
    said = split_reasoning(text)
    if not (finished and said.finished):
        return None
    try:
        return to_json(call.parse(said.answer))
    except Exception:  # a parser's bug is raised when the reply is read, after it was kept: it has been paid for
        return None
