"""What HallusionBench's judge is asked, and what its replies say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from errata.benchmarks.protocol import Mode
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
