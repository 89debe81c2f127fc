"""Verdicts as the numbers that stand beside a result: how many, how sure, at what cost."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from errata.judges.calls import JudgeCall
from errata.judges.pending import add_known
from errata.judges.prices import UNKNOWN
from errata.judges.verdicts import Verdict
from errata.records import Missing, count_changes, count_reasons


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation (n - 1) of repetitions; None where there are too few. `missing` were left out."""

    mean: float | None
    deviation: float | None
    n: int
    missing: int


def measure_spread(values: Sequence[float | None]) -> Spread:
    """The spread of repeated numbers: of one call's samples, or of a metric computed from each sample in turn."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    mean = fmean(known) if known else None
    return Spread(mean, stdev(known) if len(known) > 1 else None, len(known), len(values) - len(known))


def summarise(calls: Sequence[JudgeCall], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What a result says about its verdicts, as JSON values.

    It depends on the verdicts alone, not on which of them came from the cache: a resumed run says the same. Two results
    of equal `replies_sha256` stand on the same replies, whichever cache held them.
    """
    samples = [sample for verdict in verdicts for sample in verdict.samples]
    price = add_known([sample.price for sample in samples])
    return {
        "prompts": {
            call.prompt.name: {"version": call.prompt.version, "hash": call.prompt.hash}
            for call in sorted(calls, key=lambda call: call.prompt.name)
        },
        "reply_models": sorted({sample.model for sample in samples if sample.model}),
        "verdicts": len(samples),
        "read": sum(sample.status == "read" for sample in samples),
        "unreadable": sum(sample.status == "unreadable" for sample in samples),
        "cut": sum(sample.status == "unreadable" and sample.cut > 0 for sample in samples),
        "missing": sum(sample.status == "missing" for sample in samples),
        "cut_replies": sum(sample.cut for sample in samples),
        "changes": count_changes([sample.changes for sample in samples]),
        "reasons": count_reasons(_list_missing(verdicts)),
        "replies_sha256": _hash_replies(verdicts),
        "prompt_tokens": add_known([sample.prompt_tokens for sample in samples]),
        "completion_tokens": add_known([sample.completion_tokens for sample in samples]),
        "price_usd": UNKNOWN if price is None else round(price, 6),
    }


def _list_missing(verdicts: Sequence[Verdict]) -> Iterator[Missing]:
    whats = {"missing": "no verdict", "unreadable": "unreadable verdict"}
    for verdict in verdicts:
        for sample in verdict.samples:
            if sample.status in whats:
                yield Missing(verdict.id, whats[sample.status], sample.cause or sample.reason, sample.remedy)


def _hash_replies(verdicts: Sequence[Verdict]) -> str:
    rows = [[verdict.id, [sample.raw for sample in verdict.samples]] for verdict in verdicts]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
