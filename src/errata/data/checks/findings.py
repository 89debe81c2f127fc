"""What a check can find: the kinds, and which of them a row that cannot be read is.

Whether the better answers differ in style: in how much was said anew, and in length.

What is preferred should differ in facts. Where better answers are longer, or worded anew, a model learns that instead
(arXiv 2312.00849, section 2, calls it shallow bias).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from errata.data.segments import measure_edit_ratio
from errata.errors import CODES, DataError
from errata.records import Record

FINDING_KINDS = {
    "no-records": "nothing to train on",
    "json": CODES["json"],
    "encoding": CODES["encoding"],
    "field": CODES["field"],
    "duplicate-id": CODES["duplicate-id"],
    "turns": CODES["turns"],
    "placeholder": CODES["placeholder"],
    "image-mark": "pictures marked as another tool does (<image1>, <ImageHere>, [IMG]), which are words to a model",
    "rendered": "turns that a chat template has rendered already (USER: … ASSISTANT:, <|im_start|>)",
    "end-token": "tokens that begin or end texts (</s>, <|im_end|>)",
    "foreign-token": "tokens of other models (<fim_prefix>, <ref> with <box>)",
    "messages": "questions or answers that are messages as text, in JSON or as Python prints them",
    "empty": CODES["empty"],
    "identical": CODES["identical"],
    "levels": CODES["levels"],
    "segment": CODES["segment"],
    "unexplained": "answers that their segments do not turn into the better text",
    "no-segments": "worse answers without segments, which Dense DPO cannot weigh",
    "no-pair": "several answers and nothing to compare: all have one level",
    "same-text": "answers that differ in white space only",
    "echo": "answers that begin with the question",
    "duplicate": "rows that repeat image, question and answers",
    "no-image": "records without an image",
    "image": CODES["image"],
    "animated": "pictures of several frames or pages, of which only the first is shown",
    "licenses": "rows under several licences, or some without one",
    "rewrite": "corrections that say most of it anew: style changes with the facts",
    "length": "answers much longer or shorter than the better one",
    "length-bias": "better answers that are longer, or shorter, throughout",
    "long": "texts that no verb reads, as they are far too long",
    "nul": "NUL characters, which no other verb reads",
    "invisible": "control and invisible characters",
    "mojibake": "UTF-8 that was read as Latin-1, such as Ã© for é",
    "replacement": "characters that were lost before (U+FFFD)",
    "not-nfc": "letters and their marks stored apart (not NFC), which tokenizers read as other text",
    "transparent": "pictures with transparent parts (alpha), which are shown on white",
    "deep": "16-bit, 32-bit and float pictures, which are shown with 8 bits a channel",
    "rotated": "pictures that are turned or mirrored as their EXIF orientation says",
    "cmyk": "pictures in printing colours (CMYK), which are shown as RGB",
    "profile": "pictures with a colour profile (ICC) other than sRGB, which is applied",
}
"""Every kind with its meaning, in the order that they are shown: what cannot be read, what cannot be used, doubts, and
notes on pictures."""

NOTES = frozenset({"transparent", "deep", "rotated", "cmyk", "profile"})
"""Kinds that need no mending: Errata shows these pictures as viewers do, but other tools may not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: its kind (a key of `FINDING_KINDS`), `file:line`, the record's id if it has one, what to do."""

    kind: str
    where: str
    id: str
    message: str


def find_kind(error: DataError) -> str:
    """The kind of a row that cannot be used: the code of its error where that is one, else a field."""
    return error.code if error.code in FINDING_KINDS else "field"


REWRITE_RATIO = 0.75
"""A correction that changes more than this share of both texts is a rewrite ..."""
REWRITE_LEAST = 40
"""... if one of them has at least so many characters: a correction of `Yes.` changes all of it."""
CORRECTIONS_RATIO = 0.3
"""Where half of a file's answers change less than this share, the file holds corrections, and a rewrite is unusual."""
LENGTH_FACTOR = 2.0
"""An answer that is so many times as long as the better one, or as short, differs in style ..."""
LENGTH_LEAST = 120
"""... if the difference is at least so many characters: `Yes.` beside a sentence is no shift."""
BIAS_FACTOR = 1.35
"""Better answers that are on average (geometric) so many times as long, or as short, as the worse are a bias ..."""
BIAS_LEAST = 50
"""... in so many pairs or more: few say nothing."""


class StyleCheck:
    """Collects the ratios of a file's pairs, best against each worse one; `finish` gives what they show."""

    def __init__(self) -> None:
        self._ratios = array("d")
        self._lengths = array("d")
        self._rewrites: list[Finding] = []

    def add(self, record: Record, where: str) -> Iterator[Finding]:
        """Take a record in, and yield what is seen in it alone."""
        best = record.responses[0]
        best_length = sum(map(len, best.rounds))
        for number, response in enumerate(record.responses):
            if response.level == 0:
                continue
            length = sum(map(len, response.rounds))
            ratio = measure_edit_ratio(response, best)
            self._ratios.append(ratio)
            self._lengths.append(math.log(best_length / length))
            longer, shorter = max(length, best_length), min(length, best_length)
            if ratio > REWRITE_RATIO and longer >= REWRITE_LEAST:
                message = f"answer {number} differs in {ratio:.0%} from the better one; look whether only facts changed"
                self._rewrites.append(Finding("rewrite", where, record.id, message))
            if longer >= LENGTH_FACTOR * shorter and longer - shorter >= LENGTH_LEAST:
                message = f"answer {number} has {length} characters, the better one {best_length}"
                yield Finding("length", where, record.id, message)

    def finish(self, file: str) -> Iterator[Finding]:
        """What all pairs together show."""
        if self._ratios and median(self._ratios) <= CORRECTIONS_RATIO:
            yield from self._rewrites
        if len(self._lengths) >= BIAS_LEAST:
            factor = math.exp(sum(self._lengths) / len(self._lengths))
            if not 1 / BIAS_FACTOR <= factor <= BIAS_FACTOR:
                message = f"better answers are on average {factor:.2f} times as long; length will be learned too"
                yield Finding("length-bias", file, "", message)
