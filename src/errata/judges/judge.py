"""A judge: calls in, verdicts out; what was asked before comes from the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from errata.errors import ConfigError, DataError
from errata.judges.backend import Backend, JudgeFailure, JudgeReply, JudgeRequest, Parameters
from errata.judges.cache import VerdictCache, now, to_json
from errata.judges.cached_reply import CachedReply
from errata.judges.calls import JudgeCall
from errata.judges.estimate import Estimate, estimate_tokens, stand_in
from errata.judges.keys import build_keys, hash_images
from errata.judges.offline import OfflineJudge
from errata.judges.pending import Pending, parse_for_record, widen
from errata.judges.prices import Price, PriceTable, compute_price, load_prices
from errata.judges.verdicts import Verdict

OnProgress = Callable[[int, int], None]
FREE = Price(0.0, 0.0, "")


class Judge:
    """A backend with a cache, repetitions and prices.

    Args:
        backend: Who replies.
        cache: Where replies are kept.
        parameters: How the backend decodes.
        samples: Verdicts per call.
        attempts: Times a call is asked until its reply can be read; then it counts as unreadable.
        max_tokens: Room for a reply in place of each prompt's own. A reply that fills it is asked for once more with
            at least `LEAST_ROOM`, or `MORE_ROOM` times as much; one that fills this too counts as unreadable.
        prices: None takes the table of the package.

    Attributes:
        asked: Replies that this object has had from its backend.
        recalled: Replies that its cache held when they were wanted.
    """

    def __init__(
        self,
        backend: Backend,
        cache: VerdictCache,
        *,
        parameters: Parameters | None = None,
        samples: int = 1,
        attempts: int = 3,
        max_tokens: int | None = None,
        prices: PriceTable | None = None,
    ) -> None:
        stated = (("judge.samples", samples), ("judge.attempts", attempts), ("judge.max_tokens", max_tokens))
        for name, value in stated:
            if value is not None and value < 1:
                raise ConfigError(name, expected="at least 1", found=str(value), fix="change the setting")
        self.backend, self.cache, self.parameters = backend, cache, parameters or Parameters()
        self.samples, self.attempts, self.max_tokens = samples, attempts, max_tokens
        self._prices = prices or load_prices()
        self.asked = self.recalled = 0

    def describe(self) -> dict[str, Any]:
        """What verdicts depend on besides the calls, as JSON values for a result."""
        who: dict[str, Any] = {"judge": self.backend.name, "model": self.backend.model}
        who["offline"] = isinstance(self.backend, OfflineJudge)
        asked = {"samples": self.samples, "attempts": self.attempts, "max_tokens": self.max_tokens}
        return who | asked | self.parameters.describe()

    def check(self, *, images: bool = False) -> None:
        """Raise what would stop every call, before answers are made for it: ConfigError or ModelError.

        Args:
            images: Whether the judge will be shown any.
        """
        self.backend.check(images=images)

    def ask(self, calls: Sequence[JudgeCall], on_progress: OnProgress | None = None) -> list[Verdict]:
        """A verdict on every call, in their order; replies are kept as they come.

        Args:
            calls: With ids that occur once. Calls of equal contents are asked once.
            on_progress: Called with (verdicts so far, verdicts in all), repetitions counted.

        Raises:
            DataError: An id that occurs twice, or an image that is not there.
            StorageError: The cache cannot be used.
            ConfigError: A call that does not fill its prompt, or a key that the judge needs and does not find.
        """
        pending = self._prepare(calls)
        with self.cache as cache:
            self.recalled += self._recall(cache, pending)
            for _ in range(self.attempts + 1):  # the second try of a reply that was cut off counts extra
                self._send(cache, pending, on_progress or _ignore)
        samples = [one.build_sample(self._compute_price) for one in pending]
        groups = [samples[start : start + self.samples] for start in range(0, len(samples), self.samples)]
        return [Verdict(call.id, tuple(group)) for call, group in zip(calls, groups, strict=True)]

    def estimate(self, calls: Sequence[JudgeCall]) -> Estimate:
        """What `ask` would cost, without asking. Raises as `ask` does."""
        pending = list({one.keys: one for one in self._prepare(calls)}.values())
        if self.cache.path.exists():
            with self.cache as cache:
                self._recall(cache, pending)
        tokens = [estimate_tokens(one.call, one.room) for one in pending if one.status is None]
        prompt, completion = (sum(part) for part in zip(*tokens, strict=True)) if tokens else (0, 0)
        price = self._find_price("")
        cost = compute_price(price, prompt, completion)
        return Estimate(len(pending), len(pending) - len(tokens), prompt, completion, cost, price)

    def foresee(self, calls: Sequence[JudgeCall]) -> list[Verdict]:
        """First verdicts from the cache; where it has none, a reply as long as it can get, read and without a value."""
        pending = self._prepare(calls)[:: self.samples]
        if self.cache.path.exists():
            with self.cache as cache:
                self._recall(cache, pending)
        known = [
            one.build_sample(self._compute_price) if one.status else stand_in(one.call, one.room) for one in pending
        ]
        return [Verdict(call.id, (sample,)) for call, sample in zip(calls, known, strict=True)]

    def _prepare(self, calls: Sequence[JudgeCall]) -> list[Pending]:
        twice = [name for name, count in Counter(call.id for call in calls).items() if count > 1]
        if twice:
            raise DataError(
                f"judge call {twice[0]!r}", expected="ids that occur once", found="two calls of it", fix="rename one"
            )
        return [self._open(call, sample) for call in calls for sample in range(self.samples)]

    def _open(self, call: JudgeCall, sample: int) -> Pending:
        room = self.max_tokens or call.prompt.max_tokens
        rooms = room, widen(room)
        # One more than attempts: the second try of a reply that was cut off is not one of them.
        keys, wide = (
            build_keys(self.backend.model, call, self.parameters, limit, sample, self.attempts + 1) for limit in rooms
        )
        return Pending(call, sample, keys, wide, rooms, self.attempts)

    def _recall(self, cache: VerdictCache, pending: Sequence[Pending]) -> int:
        """Take what is known, attempt by attempt; returns how many replies it were, those of equal calls once."""
        found = cache.find([key for one in pending for key in (*one.keys, *one.wide_keys[1:])])
        for one in pending:
            while one.status is None and one.next_key in found:
                one.take(found[one.next_key])
        return len({reply.key for one in pending for reply in one.replies})

    def _send(self, cache: VerdictCache, pending: Sequence[Pending], on_progress: OnProgress) -> None:
        """Ask what is still open once."""
        waiting: dict[str, list[Pending]] = {}
        for one in pending:
            if one.status is None:
                waiting.setdefault(one.next_key, []).append(one)
        done = sum(one.status is not None for one in pending)
        on_progress(done, len(pending))

        def take(reply: JudgeReply | JudgeFailure) -> None:
            nonlocal done
            equal = waiting[reply.key]
            if isinstance(reply, JudgeFailure):
                for one in equal:
                    one.lose(reply.reason, reply.remedy)
            else:
                self.asked += 1
                kept = cache.put(self._keep(equal[0], reply))
                for one in equal:
                    one.take(kept)
            done += sum(one.status is not None for one in equal)
            on_progress(done, len(pending))

        if waiting:
            self.backend.ask([self._build_request(key, ones[0]) for key, ones in waiting.items()], take)

    def _build_request(self, key: str, one: Pending) -> JudgeRequest:
        attempt = len(one.replies)
        text = one.call.render(one.sample, attempt)
        return JudgeRequest(key, one.call, text, one.sample, attempt, self.parameters, one.room)

    def _keep(self, one: Pending, reply: JudgeReply) -> CachedReply:
        prompt = one.call.prompt
        kept = CachedReply(
            key=reply.key,
            judge=self.backend.name,
            model=self.backend.model,
            prompt=prompt.name,
            prompt_version=prompt.version,
            prompt_hash=prompt.hash,
            images=to_json(hash_images(one.call)) or "",
            parameters=to_json(asdict(self.parameters) | {"max_tokens": one.room}) or "",
            sample=one.sample,
            attempt=len(one.replies),
            raw=reply.text,
            parsed=parse_for_record(one.call, reply.text, finished=reply.finished),
            reply_model=reply.model,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            price=None,
            seconds=reply.seconds,
            at=now(),
            finished=int(reply.finished),
            changes=to_json(dict(reply.changes)) or "{}",
        )
        return replace(kept, price=self._compute_price(kept))

    def _compute_price(self, reply: CachedReply) -> float | None:
        """The price on the day of the reply, or where it was unknown then, the one in the table now."""
        if reply.price is not None:
            return reply.price
        return compute_price(self._find_price(reply.reply_model), reply.prompt_tokens, reply.completion_tokens)

    def _find_price(self, reply_model: str) -> Price | None:
        return FREE if self.backend.free else self._prices.find(reply_model, self.backend.model.partition(":")[2])


def _ignore(done: int, total: int) -> None:
    """Nobody watches."""
