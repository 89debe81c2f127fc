"""What a check can find: the kinds, and which of them a row that cannot be read is."""

from __future__ import annotations

from dataclasses import dataclass

from errata.errors import DataError

FINDING_KINDS = {
    "no-records": "nothing to train on",
    "json": "lines that are not one JSON value",
    "encoding": "bytes that are not UTF-8, or half of a surrogate pair",
    "field": "fields that are missing, unknown or of another type",
    "duplicate-id": "ids that an earlier row has",
    "turns": "turns in another order than question, answer, question, answer",
    "placeholder": "more or fewer <image> than images, or one in an answer",
    "image-mark": "pictures marked as another tool does (<image1>, <ImageHere>, [IMG]), which are words to a model",
    "rendered": "turns that a chat template has rendered already (USER: … ASSISTANT:, <|im_start|>)",
    "end-token": "tokens that begin or end texts (</s>, <|im_end|>)",
    "foreign-token": "tokens of other models (<fim_prefix>, <ref> with <box>)",
    "messages": "questions or answers that are messages as text, in JSON or as Python prints them",
    "empty": "no question, no answer, or one without text",
    "identical": "two equal answers",
    "levels": "levels that are not sorted, do not begin at 0 or leave one out",
    "segment": "segments outside their texts, that overlap or that change nothing",
    "unexplained": "answers that their segments do not turn into the better text",
    "no-segments": "worse answers without segments, which Dense DPO cannot weigh",
    "no-pair": "several answers and nothing to compare: all have one level",
    "same-text": "answers that differ in white space only",
    "echo": "answers that begin with the question",
    "duplicate": "rows that repeat image, question and answers",
    "no-image": "records without an image",
    "image": "images that do not open, or that no model takes",
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


_BROKEN_RULES = {
    "ids that occur once": "duplicate-id",
    "a non-empty id": "field",
    "a prompt that ends": "turns",
    "a question": "empty",
    "an image path": "field",
    "as many <image>": "placeholder",
    "a conversation that ends": "turns",
    "an image inside": "image",
    "at least one response": "empty",
    "levels up to": "levels",
    "responses sorted by level": "levels",
    "responses that differ": "identical",
    "assistant turns": "turns",
    "a non-empty text": "empty",
    "a segment": "segment",
    "segment offsets": "segment",
}
"""What a row's error expected, by its first words, and the kind of finding that it makes."""


def find_kind(error: DataError) -> str:
    """The kind of a row that cannot be used, from the rule that its error says was broken."""
    if error.expected.startswith("one JSON value"):
        return "encoding" if "codec can't" in error.found else "json"
    return next((kind for rule, kind in _BROKEN_RULES.items() if error.expected.startswith(rule)), "field")
