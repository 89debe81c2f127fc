"""VQA accuracy: how many of ten people gave the model's answer, after both were brought to one spelling.

An answer is as good as min(1, n / 3), n being how many of nine people gave it, averaged over the ten who are left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from errata.benchmarks.protocol import Mode

_NUMBERS = {"none": 0, "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_NUMBERS |= {"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_ARTICLES = {"a", "an", "the"}
_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_CONTRACTIONS = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've
y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
"""The words that the released code spells with their apostrophes where one of these is missing."""


def score_answer(answer: str, people: Sequence[str], mode: Mode) -> float:
    """The accuracy of one answer.

    Official spells answers anew only where people disagree: where all say "yes", "Yes" and "yes." are wrong. Strict
    always does.

    Args:
        answer: Of the model.
        people: One answer each.
        mode: Whose spelling.
    """
    said, *given = (re.sub("[\n\t]", " ", one).strip() for one in (answer, *people))
    if mode == "strict":
        said, *given = map(_spell, (said, *given))
    elif len(set(given)) > 1:
        said, *given = map(_spell_released, (said, *given))
    return sum(min(1.0, sum(other == said for other in _leave_out(given, i)) / 3) for i in range(len(given))) / len(
        given
    )


def _leave_out(given: Sequence[str], index: int) -> list[str]:
    return [*given[:index], *given[index + 1 :]]


def _spell(text: str) -> str:
    """Lower case, figures for numbers, no articles, apostrophes or marks."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"(?<=\d),(?=\d{3}\b)|['’]", "", text)
    text = re.sub(r"\.(?!\d)|[^\w\s.$%°€£:&#*]|_", " ", text)
    return " ".join(str(_NUMBERS.get(word, word)) for word in text.split() if word not in _ARTICLES)


def _spell_released(text: str) -> str:
    words = [str(_NUMBERS.get(word, word)) for word in _strip_released(text).lower().split()]
    return " ".join(_list_contractions().get(word, word) for word in words if word not in _ARTICLES)


def _strip_released(text: str) -> str:
    """Marks go where a blank is beside one, or a comma between digits anywhere; others become blanks. 32 full stops."""
    out, comma = text, re.search(r"\d,\d", text)
    for mark in _MARKS:
        out = out.replace(mark, "" if comma or f"{mark} " in text or f" {mark}" in text else " ")
    return re.sub(r"\.(?!\d)", "", out, count=int(re.UNICODE))


@cache
def _list_contractions() -> dict[str, str]:
    """Each word with one apostrophe missing -> the word; and the table's one that goes the other way."""
    found = {"somebody'd": "somebodyd"}
    for word in _CONTRACTIONS.split():
        places = [match.start() for match in re.finditer("'", word)]
        found |= {word[:place] + word[place + 1 :]: word for place in places}
    return found
