"""The list of ratings that a judge gives to the rounds of a dialogue."""

from __future__ import annotations

import re

from errata.benchmarks.protocol import Mode
from errata.benchmarks.rating import to_rating
from errata.errors import count_noun

_LIST = re.compile(r"\bratings?\b[\s*_`\"']*[:：=][\s*_`\"']*[\[(]([^\[\](){}]*)[\])]", re.IGNORECASE)


def read_ratings(reply: str, rounds: int, mode: Mode) -> list[int]:
    """One rating per round.

    Official is the released rule: the one bracketed list, or of two the last without Yes and No; N/A is 0, and any
    whole number counts. Strict takes the list behind "Ratings:" where all such lists agree, else that of the last line.

    Returns:
        The ratings; empty in official mode where the released code finds no list and keeps that of the dialogue before.

    Raises:
        ValueError: A list that cannot be read, or one of another length, on which the released code ends.
    """
    if mode == "official":
        return _read_released(reply, rounds)
    lines = [line for line in reply.splitlines() if line.strip()]
    lists = _LIST.findall(reply)
    if len(set(lists)) > 1:
        lists = _LIST.findall(lines[-1])
    if len(set(lists)) != 1:
        raise ValueError("no list of ratings, or several")
    return _require_length([to_rating(part) for part in re.split(r"[,;，、]", lists[0])], rounds)


def _read_released(reply: str, rounds: int) -> list[int]:
    groups = re.findall(r"\[(.*?)\]", reply)
    if len(groups) == 2:
        groups = [group for group in groups if "Yes" not in group and "No" not in group][-1:]
    if len(groups) != 1:
        return []
    return _require_length([0 if "N/A" in part else int(part) for part in groups[0].split(",")], rounds)


def _require_length(ratings: list[int], rounds: int) -> list[int]:
    if len(ratings) != rounds:
        raise ValueError(f"{count_noun(len(ratings), 'rating')} for {count_noun(rounds, 'round')}")
    return ratings
