"""The rating from 0 to 6 in a judge's reply, as MMHal-Bench asks for it: 3 and more is free of hallucination."""

from __future__ import annotations

import re

from errata.benchmarks.protocol import Mode

TRUSTED = 3
"""The lowest rating without a hallucination."""
_MARK = r"[\s*_`\"'“”]*"
_RATING = re.compile(
    rf"\bratings?\b{_MARK}[:：=]{_MARK}[\[(]?{_MARK}"
    r"([-+]?\d[\d.,/\-–]*(?:\s*(?:or|to|and)\s*\d+)*)",
    re.IGNORECASE,
)


def read_rating(reply: str, mode: Mode) -> list[int]:
    """The distinct ratings that a reply holds; one is a verdict.

    Official is the released rule: which of `rating: 0` to `rating: 6` occur, so that "Rating: 10" is a 1 and
    "Rating:5" none; no rating, or several, score 0 there. Strict takes the last line where it holds nothing but a
    rating, else the one that the whole reply agrees on.

    Raises:
        ValueError: Strict mode, and there is no rating, one that is no whole number from 0 to 6, or two that differ.
    """
    if mode == "official":
        return [rating for rating in range(7) if f"rating: {rating}" in reply.lower()]
    lines = [line for line in reply.splitlines() if line.strip()]
    last = _RATING.findall(lines[-1]) if lines else []
    alone = len(last) == 1 and not re.search(r"\w", _RATING.sub("", lines[-1]))
    found = {to_rating(text) for text in (last if alone else _RATING.findall(reply))}
    if len(found) != 1:
        raise ValueError(f"{len(found) or 'no'} ratings")
    return list(found)


def to_rating(text: str) -> int:
    """A written number as a rating; "4/6", "4." and "4.0" are 4. Raises ValueError on others than 0 to 6."""
    number = re.fullmatch(r"0*([0-6])(\.0+)?(\s*/\s*6)?", text.strip().rstrip(".,-–/"))
    if number is None:
        raise ValueError(f"rating {text!r}, not one from 0 to 6")
    return int(number[1])
