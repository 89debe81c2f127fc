"""A cache of verdicts without the judge that gave them."""

from __future__ import annotations

from collections.abc import Sequence

from errata.judges.backend import Backend, JudgeFailure, JudgeRequest, OnReply


class OfflineJudge:
    """Another judge's cache without the judge: what is not in it stays without a verdict."""

    def __init__(self, backend: Backend) -> None:
        self.name, self.model, self.free = backend.name, backend.model, backend.free

    def check(self, *, images: bool = False) -> None:
        """A cache alone lacks nothing."""

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Refuse."""
        for request in requests:
            reason = "not in the cache, and nothing is asked offline"
            on_reply(JudgeFailure(request.key, reason, "without --judge-offline they are asked for"))
