"""What a check can find: the kinds, and which of them a row that cannot be read is."""

from __future__ import annotations

from dataclasses import dataclass

from errata.errors import CODES, DataError

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
