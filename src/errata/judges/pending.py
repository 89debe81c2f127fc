"""One sample of one call on its way from question to verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from errata.judges.cache import to_json
from errata.judges.cached_reply import CachedReply
from errata.judges.calls import JudgeCall
from errata.judges.verdicts import Sample, Status

Number = TypeVar("Number", int, float)
EXCERPT = 120
"""Characters of an unreadable reply that its reason shows."""


@dataclass
class Pending:
    """The replies so far and what became of them; `keys` holds one key per attempt."""

    call: JudgeCall
    sample: int
    keys: tuple[str, ...]
    replies: list[CachedReply] = field(default_factory=list)
    status: Status | None = None
    value: Any = None
    reason: str = ""

    def take(self, reply: CachedReply) -> None:
        """Read the next reply, with the call's own parser; the last unreadable one settles the matter."""
        self.replies.append(reply)
        try:
            self.value, self.status = self.call.parse(reply.raw), "read"
        except (ValueError, RecursionError) as error:
            self.reason = f"{str(error)[:EXCERPT] or 'no verdict'}, in the reply {reply.raw[:EXCERPT]!r}"
            if len(self.replies) == len(self.keys):
                self.status = "unreadable"

    def lose(self, reason: str) -> None:
        """There is no reply."""
        self.status, self.reason = "missing", reason

    def build_sample(self, price_of: Callable[[CachedReply], float | None]) -> Sample:
        """What the verdict holds of it, with the costs of all its attempts."""
        replies = self.replies
        return Sample(
            status=self.status or "missing",
            value=self.value if self.status == "read" else None,
            raw=replies[-1].raw if replies else "",
            reason="" if self.status == "read" else self.reason,
            model=replies[-1].reply_model if replies else "",
            attempts=len(replies),
            prompt_tokens=add_known([reply.prompt_tokens for reply in replies]),
            completion_tokens=add_known([reply.completion_tokens for reply in replies]),
            price=add_known([price_of(reply) for reply in replies]),
            seconds=sum(reply.seconds for reply in replies),
        )


def add_known(values: Sequence[Number | None]) -> Number | int | None:
    """The sum; None where a part is unknown."""
    return None if None in values else sum(value for value in values if value is not None)


def parse_for_record(call: JudgeCall, text: str) -> str | None:
    """The verdict as the cache keeps it beside the reply; None where there is none."""
    try:
        return to_json(call.parse(text))
    except Exception:  # a parser's bug is raised when the reply is read, after it was kept: it has been paid for
        return None
