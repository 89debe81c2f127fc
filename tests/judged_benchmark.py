"""A benchmark with a judge, for tests: a mark from 1 to 5, and where it is low a second call for the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from errata.benchmarks import Benchmark, Card, Unit
from errata.judges import JudgeCall, JudgePrompt
from errata.records import Question, Turn

MARK = JudgePrompt("toy-mark", 1, "Mark this answer from 1 to 5, as `Mark: k`.\n{answer}", max_tokens=8)
REASON = JudgePrompt("toy-reason", 1, "Why is this answer bad? One word.\n{answer}", max_tokens=8)


def read_mark(reply):
    found = re.findall(r"Mark: ([1-5])\b", reply)
    if len(found) != 1:
        raise ValueError("not one mark")
    return int(found[0])


@dataclass(frozen=True)
class Toy(Benchmark[str]):
    """Marks of five answers about one image each."""

    card = Card("toy", "Toy", "marks", "none", "none", "5 questions", "mark", "none", judge="1 or 2 calls an answer")
    units: ClassVar = {
        "mark": Unit("count", "higher"),
        "low": Unit("share", "lower"),
        "unreadable": Unit("share", "lower"),
    }

    def load(self, setup):
        return [f"{name}.png" for name in "abcde"]

    def prompt(self, row):
        return Question(row[0], (row,), (Turn("user", "What is it?"),), followups=("Sure?",))

    def judge(self, question, reply, setup, /):
        said = {"answer": "\n".join(reply.answer.rounds)}
        if not reply.verdicts:
            return [JudgeCall(question.id, MARK, said, read_mark)]
        if len(reply.verdicts) == 1 and (reply.verdicts[0].value or 5) < 3:
            return [JudgeCall(f"{question.id}-why", REASON, said, str.strip)]
        return []

    def parse(self, question, reply, setup):
        mark = reply.verdicts[0].value
        read = int(mark is not None)
        reason = reply.verdicts[1].value if len(reply.verdicts) > 1 else ""
        counts = {"mark": [mark or 0, read], "low": [int(read and mark < 3), read], "unreadable": [1 - read, 1]}
        return {"counts": counts, "reason": reason}
