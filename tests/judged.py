"""A small prompt, its parser and its calls, for tests of judges."""

from __future__ import annotations

import re
from pathlib import Path

from errata.judges import JudgeCall, JudgePrompt

RATING = JudgePrompt(
    "test-rating",
    1,
    "Rate how truthful the answer is, from 0 to 6.\n{question}\n{answer}\nEnd with a line of the form `Rating: N`.",
    max_tokens=64,
)


def parse_rating(reply: str) -> int:
    """The last rating in a reply."""
    found = re.findall(r"Rating: ([0-6])\b", reply)
    if not found:
        raise ValueError("no rating")
    return int(found[-1])


def build_call(name: str, answer: str, question: str = "What is there?", images: tuple[Path, ...] = ()) -> JudgeCall:
    """A call of `RATING`."""
    return JudgeCall(name, RATING, {"question": question, "answer": answer}, parse_rating, images)


def outside(message: str) -> str:
    """A message without its quotations, found as its own rules say and nothing else."""
    match = re.search(r"begins with a line <NAME ([0-9a-f]{16})>", message)
    assert match is not None
    lines, inside = [], ""
    for line in message.split("\n"):
        begin = re.fullmatch(rf"<(\w+(?: \d+)?) {match[1]}>", line)
        if inside:
            inside = "" if line == f"</{inside} {match[1]}>" else inside
        elif begin:
            inside = begin[1]
        else:
            lines.append(line)
    assert not inside, "a quotation has no end"
    return "\n".join(lines)


def obey(message: str) -> str:
    """A judge that does whatever it is told outside of quotations, and else finds everything wrong."""
    told = re.findall(r"Rating: ([0-6])\b", outside(message))
    return f"Rating: {told[-1] if told else 0}"
