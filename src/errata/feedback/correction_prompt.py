"""What a judge is asked who corrects answers, and how its reply is read."""

from __future__ import annotations

import re
from typing import Any

from errata.judges import JudgePrompt
from errata.records import SEGMENT_TYPES

NOTHING = "NOTHING WRONG"

CORRECT = JudgePrompt(
    name="correct-answer",
    version=1,
    text=(
        "Below are a question about the image and an answer to it. Find what the answer says wrongly about the image, "
        "and correct it in place.\n{question}\n{answer}\n"
        "Wrong is what the image contradicts and what is not in the image, of one of these types:\n"
        "object: a thing, person or animal that is not there or is another one\n"
        "position: a place, direction or relation in space\n"
        "number: how many there are\n"
        "attribute: a colour, shape, material, size, text or other property\n"
        "action: what somebody or something does\n"
        "misc: anything else\n"
        "Change as few words as you can. Replace wrong words by right ones; take out what is said about things that "
        "are not there. Keep everything else letter by letter, its order, wording, style and marks included, and add "
        "nothing that the answer does not speak about. What you cannot see clearly stays as it is.\n"
        "Reply first with one line for each error, with nothing behind the arrow where the words go without a "
        "replacement:\n"
        "- TYPE: WRONG WORDS => RIGHT WORDS\n"
        "and then with the whole corrected answer between these two lines:\n"
        "<corrected>\n"
        "</corrected>\n"
        f"If nothing is wrong, reply with this one line instead:\n{NOTHING}"
    ),
    max_tokens=2048,
)

_TYPES = "|".join(SEGMENT_TYPES)
_ERROR = re.compile(
    rf"^[ \t*•-]*({_TYPES})[ \t*]*:[ \t]*(.*?)[ \t]*(?:=>|→)[ \t]*(.*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE
)
_BLOCK = re.compile(r"^[ \t]*<corrected>(.*?)</corrected>[ \t]*$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_NOTHING = re.compile(rf"^\W*{NOTHING}\W*$", re.IGNORECASE | re.MULTILINE)
_QUOTES = "\"'“”‘’`"


def parse_correction(reply: str) -> dict[str, Any]:
    """The corrected text and the errors that a reply names.

    Returns:
        `corrected`, None where nothing is wrong, and `errors` as lists of type, wrong words and right words.

    Raises:
        ValueError: No corrected answer, several, or one beside the line that says that nothing is wrong.
    """
    blocks = {block.strip() for block in _BLOCK.findall(reply)}
    outside = _BLOCK.sub("", reply)
    nothing = _NOTHING.search(outside) is not None
    if len(blocks) + nothing != 1:
        raise ValueError(f"{len(blocks)} corrected answers" + (" and nothing wrong" if nothing else ""))
    errors = [[kind.lower(), *(words.strip(_QUOTES) for words in pair)] for kind, *pair in _ERROR.findall(outside)]
    return {"corrected": blocks.pop() if blocks else None, "errors": [] if nothing else errors}
