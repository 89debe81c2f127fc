"""What HallusionBench's judge is asked, and what its replies say.

Why an answer to HallusionBench is wrong: language, vision, or either; as the released analysis splits it.

A question is asked about an original and about altered figures, or without and with a figure. What was answered to the
original (figure 0) says what an error comes from: a wrong answer without any figure is made up from language alone; one
about a figure that repeats it ignores the figure; one that changes with the figure misreads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from errata.benchmarks.protocol import Item, Mode
from errata.judges import JudgePrompt

WRONG, RIGHT, UNCLEAR = 0, 1, 2
_WORDS = {"incorrect": WRONG, "correct": RIGHT, "unclear": UNCLEAR}
_NEGATION = r"(?:\b(?:not|neither|nor|part(?:ial)?ly|mostly|largely|somewhat|half|in part)|n['’]t)\b[\s\w-]{0,12}\b"
"""What takes a word back, in whole or in part."""

CHECK = JudgePrompt(
    "hallusionbench-check",
    1,
    """\
Compare an answer to a question with the right answer.

Question:
{question}
Right answer:
{reference}
Answer to check:
{answer}

Reply with one word: "correct" if the answer does not conflict with the right one, "incorrect" if it does, "unclear" if
it does not commit itself.""",
    max_tokens=16,
)
SAME = JudgePrompt(
    "hallusionbench-same",
    1,
    """\
Two answers were given to two questions that you do not see. Do they contradict each other, taking both for true?

First answer:
{answer}
Second answer:
{original}

Reply with one word: "same" if they do not contradict each other, "different" if they do.""",
    max_tokens=16,
)


def read_check(reply: str, mode: Mode) -> int:
    """What a judge found: 0 wrong, 1 right, 2 unclear.

    Official is the released rule: "incorrect" anywhere is wrong, also "not incorrect"; else "correct" anywhere is
    right; all else is unclear.

    Raises:
        ValueError: Strict mode, and the reply holds none of the words, two of them, or one that is negated.
    """
    said = reply.lower()
    if mode == "official":
        return WRONG if "incorrect" in said else RIGHT if "correct" in said else UNCLEAR
    return _WORDS[_read_word(said, tuple(_WORDS))]


def read_same(reply: str, mode: Mode) -> bool:
    """Whether a judge found that two answers agree.

    Official is the released rule: they do where "same" occurs anywhere.

    Raises:
        ValueError: Strict mode, and the reply holds neither word, both, or one that is negated.
    """
    said = reply.lower()
    if mode == "official":
        return "same" in said
    return _read_word(said, ("same", "different")) == "same"


def _read_word(said: str, words: Sequence[str]) -> str:
    """The one of the words that a reply holds. Raises ValueError for none, several, or one that is negated."""
    any_word = f"(?:{'|'.join(words)})\\b"
    found = set(re.findall(rf"\b{any_word}", said))
    if len(found) != 1 or re.search(_NEGATION + any_word, said):
        raise ValueError(f"not one of {', '.join(words)}")
    return str(found.pop())


CAUSES = ("language", "vision", "mixed")


def find_cause(item: Mapping[str, Any], original: Mapping[str, Any] | None) -> str | None:
    """The cause of an error; None where there is none, or where a verdict that would tell it is not there.

    Args:
        item: With `found` (the verdict), `same` (agrees with the answer to the original; None where it is unknown),
            `visual` (whether the question needs a figure at all) and `hard` (the figure was altered).
        original: The item of the original figure; None for one that is the original, or where it was not judged.
    """
    found, visual = item["found"], item["visual"]
    if found == RIGHT or found is None:
        return None
    if item["beside"] is None:
        return "vision" if visual else "language" if found == WRONG else None
    before = None if original is None else original["found"]
    if before is None:
        return None
    if visual:
        return _choose(item["same"], "mixed", "vision") if (before, found) == (RIGHT, WRONG) else "vision"
    if before == WRONG:
        return _choose(item["same"], "language", "mixed") if found == WRONG else "mixed"
    if before == RIGHT and found == WRONG and item["hard"]:
        return _choose(item["same"], "language", "vision")
    return "vision"


def count_causes(items: Sequence[Item]) -> list[dict[str, list[int]]]:
    """Per item its share in the split of errors: [this cause, any known cause]."""
    by_id = {item["id"]: item for item in items}
    causes = [find_cause(item, by_id.get(item["beside"])) for item in items]
    return [{name: [int(cause == name), 1] for name in CAUSES} if cause else {} for cause in causes]


def count_yes(right: int, label: str, found: int, mode: Mode) -> dict[str, list[int]]:
    """The share in the bias towards yes, and in the wrong answers that say yes.

    A right answer says what its label says and a wrong one the opposite. The release takes an unclear one for a wrong
    or right one here too; strict mode leaves it out.
    """
    if label not in ("yes", "no") or (mode == "strict" and found == UNCLEAR):
        return {}
    true, said = int(label == "yes"), int((label == "yes") == bool(right))
    return {"yes_bias": [said - true, 1]} | ({} if right else {"wrong_yes": [1 - true, 1]})


def _choose(same: bool | None, one: str, other: str) -> str | None:
    return None if same is None else one if same else other
