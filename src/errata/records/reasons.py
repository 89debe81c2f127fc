"""Why things are missing: reasons that many share, counted, as results keep them and commands print them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MOST = 10
"""Reasons that a result keeps of one benchmark or job."""
SHOWN = 3
"""Reasons that a command prints."""
_OWN = re.compile(
    r"\b(?:req|chatcmpl|call|msg|gen|resp)[-_]\w+|\b[0-9a-f-]{12,}\b|\d+|, in the reply .*", re.IGNORECASE | re.S
)
"""What differs between messages of the same cause: ids, numbers, what a reply held."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is missing.

    Attributes:
        id: Of the question, record or call.
        what: What is missing, in words that many share: `answer`, `verdict`.
        reason: Why.
        remedy: What can be done about it; empty where nothing is known.
    """

    id: str
    what: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason with the number of things that it explains, and the first of them."""

    what: str
    reason: str
    count: int
    remedy: str
    example: str


def count_reasons(missing: Iterable[Missing]) -> list[dict[str, Any]]:
    """The commonest reasons first, as JSON values; messages that differ in numbers and ids alone are one reason."""
    groups: dict[tuple[str, str], list[Missing]] = {}
    for one in missing:
        groups.setdefault((one.what, _OWN.sub("#", one.reason)), []).append(one)
    ordered = sorted(groups.values(), key=len, reverse=True)[:MOST]
    return [
        asdict(Reason(group[0].what, group[0].reason, len(group), group[0].remedy, group[0].id)) for group in ordered
    ]


def describe_reasons(reasons: Sequence[Mapping[str, Any]]) -> list[str]:
    """The commonest as lines: how many, what is missing, why, and what can be done."""
    lines = []
    for one in reasons[:SHOWN]:
        remedy = f" ({one['remedy']})" if one.get("remedy") else ""
        lines.append(f"{one['count']} x {one['what']}: {one['reason']}{remedy}, first {one['example']}")
    if len(reasons) > SHOWN:
        rest = reasons[SHOWN:]
        lines.append(f"{sum(one['count'] for one in rest)} more for {len(rest)} other reasons")
    return lines
