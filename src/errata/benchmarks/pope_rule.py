"""What an answer to a yes/no question says, as the released POPE evaluation reads it and as we do."""

from __future__ import annotations

from typing import Literal

from errata.benchmarks.protocol import Mode
from errata.text import read_yes_no


def read_verdict(answer: str, mode: Mode, question: str = "") -> Literal["yes", "no", "unknown"]:
    """What an answer says; official mode knows no `unknown`, and strict mode reads sentences beside the question."""
    return _read_officially(answer) if mode == "official" else read_yes_no(answer, question)


def _read_officially(answer: str) -> Literal["yes", "no"]:
    words = answer.split(".")[0].replace(",", "").split(" ")
    return "no" if {"No", "no", "not"} & set(words) else "yes"
