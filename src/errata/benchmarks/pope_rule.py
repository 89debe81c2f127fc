"""What an answer to a yes/no question says, as the released POPE evaluation reads it and as we do."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from errata.benchmarks.protocol import Mode


def read_verdict(answer: str, mode: Mode) -> Literal["yes", "no", "unknown"]:
    """What an answer says; official mode knows no `unknown`."""
    return _read_officially(answer) if mode == "official" else _read_strictly(answer)


def _read_officially(answer: str) -> Literal["yes", "no"]:
    words = answer.split(".")[0].replace(",", "").split(" ")
    return "no" if {"No", "no", "not"} & set(words) else "yes"


_YES_OR_NO = re.compile(r"(?<![\w-])(yes|no)(?![\w-])")
_DOUBT = re.compile(r"\b(?:sure|certain|clear|tell|say|determine|know)\b")
_NEGATION = re.compile(r"\b(?:not|cannot|none|nothing|nope|\w+n't)\b")


def _read_strictly(answer: str) -> Literal["yes", "no", "unknown"]:
    """The first yes or no; else a negation means no, unless it denies knowing."""
    text = unicodedata.normalize("NFKC", answer).replace("’", "'").casefold()
    verdict = _YES_OR_NO.search(text)
    if verdict:
        return "yes" if verdict.group() == "yes" else "no"
    negated = _NEGATION.search(text)
    return "no" if negated and not _DOUBT.search(text) else "unknown"
