"""What reading a record does not refuse, but training would trip over or learn wrongly.

Texts that went through the wrong decoder, or carry what no reader sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from errata.corrections import apply_segments
from errata.data.text_limits import MAX_CHARACTERS
from errata.errors import count_noun
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Segment, Turn
from errata.text import MARKUP, Markup, find_markup

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Without the joiners and direction marks that scripts and emoji need, and the tags of a flag.
_INVISIBLE = re.compile(
    "[\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]"
    "|(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0000-\U000e007f]"
)
_CP1252_TAIL = "".join(bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0))
_TAIL = f"[\x80-\x9f\xa1-\xbf{_CP1252_TAIL}]"
# First bytes of UTF-8 as Latin-1 or Windows-1252 shows them. Capitals before, and no-break spaces, occur in good text.
_MOJIBAKE = re.compile(
    f"(?<![A-ZÀ-Þ])[ÃÅÄ]{_TAIL}"
    f"|Ã\xa0|Â[\xa0-\xbf]"
    f"|â[\x80\x84\x86\x88-\x8a\x98\x9c€„†ˆ‰Š˜œ]{_TAIL}"
    f"|ð[\x9fŸ]{_TAIL}"
    f"|(?:[ÐÑ]{_TAIL}){{2}}"
    f"|(?:[à-ï]{_TAIL}{{2}}){{2}}"
    "|ï»¿|ï¿½"
)


def find_text_trouble(text: str) -> Iterator[tuple[str, str]]:
    """The kinds of trouble in one text, each once, with the first place of it.

    Yields:
        (kind, message): `nul`, `invisible`, `mojibake`, `replacement` or `not-nfc`.
    """
    if len(text) > MAX_CHARACTERS:
        yield "long", f"{len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
    yield from _find_hidden(text)
    if text.isascii():  # almost every text, and the rest costs more
        return
    broken = _MOJIBAKE.search(text)
    if broken:
        yield "mojibake", f"{broken[0]!r} {_place(text, broken)}; decode the source as UTF-8 again"
    if "\ufffd" in text:
        count = text.count("\ufffd")
        yield "replacement", f"{count} of U+FFFD, the first at {text.index(chr(0xFFFD))}; take the text from its source"
    if not unicodedata.is_normalized("NFC", text):
        yield "not-nfc", "letters and marks stored apart; --fix --nfc puts them together"


def _find_hidden(text: str) -> Iterator[tuple[str, str]]:
    if "\0" in text:
        yield "nul", f"{text.count(chr(0))} of them, the first at {text.index(chr(0))}; --fix takes them out"
    hidden = _CONTROL.search(text.replace("\0", " ")) or (None if text.isascii() else _INVISIBLE.search(text))
    if hidden:
        yield "invisible", f"U+{ord(hidden[0]):04X} {_name(hidden[0])} at {hidden.start()}; remove it"


def _name(character: str) -> str:
    return unicodedata.name(character, "control character").lower()


def _place(text: str, match: re.Match[str]) -> str:
    return f"at {match.start()}, in {text[max(match.start() - 10, 0) : match.end() + 10]!r}"


def find_record_trouble(record: Record) -> Iterator[tuple[str, str]]:
    """(kind, message) of everything that is wrong in one record by itself, images and style left out.

    A record of one answer is there to be learned, as conversations are: it needs neither a pair nor an image.
    """
    levels = record.levels
    if not record.images and len(levels) > 1:
        yield "no-image", "the record names no image; add one or drop the record"
    if levels[-1] == 0 and len(levels) > 1:
        yield "no-pair", "all answers are at level 0, nothing can be compared; rank them"
    if levels[-1] >= len(set(levels)):
        yield "levels", f"levels {list(levels)} leave some out; --fix counts them anew"
    normal = [tuple(map(_join_words, response.rounds)) for response in record.responses]
    if len(set(normal)) < len(normal):
        yield "same-text", "two answers differ in white space only; drop one"
    for number, response in enumerate(record.responses):
        for kind, message in _find_response_trouble(response, record.responses[0]):
            yield kind, f"answer {number} {message}"
    yield from _find_text_trouble(record)
    echoes = _count_echoes(record)
    if echoes:
        answers = count_noun(len(record.responses), "answer")
        yield "echo", f"{echoes} of {answers} begin with the question; take it out, unless models are to repeat it"


def _count_echoes(record: Record) -> int:
    """How many answers begin with the last question, perhaps behind a speaker's name, and go on."""
    asked = _join_words(record.prompt[-1].text.replace(IMAGE_PLACEHOLDER, " "))
    begin = re.compile(
        r"(?:(?:###? ?)?(?:USER|User|Human|HUMAN|Instruction|Question|Q) ?: ?)?" + re.escape(asked) + "."
    )
    texts = (response.text.replace(IMAGE_PLACEHOLDER, " ") for response in record.responses)
    return sum(begin.match(_join_words(text)) is not None for text in texts)


def _join_words(text: str) -> str:
    return " ".join(text.split())


def _find_response_trouble(response: Response, best: Response) -> Iterator[tuple[str, str]]:
    if any(IMAGE_PLACEHOLDER in turn.text for turn in response.turns):
        yield "placeholder", f"contains {IMAGE_PLACEHOLDER}; remove it"
    if response.level and not response.segments:
        yield "no-segments", "has no segments; `errata data diff` finds them"
    overlaps = False
    for number, text in enumerate(response.rounds if response.segments else ()):
        segments = sorted((s for s in response.segments if s.round == number), key=lambda s: (s.start, s.end))
        problems = list(_check_segments(segments, text, best.rounds[number])) if segments else []
        overlaps = overlaps or bool(problems)
        yield from (("segment", problem) for problem in problems)
    if response.segments and not overlaps and not _is_explained(response, best):
        yield "unexplained", "differs from the better text outside its segments too; `errata data diff --replace`"


def _check_segments(segments: list[Segment], own: str, better: str) -> Iterator[str]:
    done = better_done = 0
    for segment in segments:
        span = f"segment {segment.start}:{segment.end}"
        if own[segment.start : segment.end] == better[segment.better_start : segment.better_end]:
            yield f"{span} says the same as the text that replaces it"
        if segment.start < done:
            yield f"{span} overlaps the one before it"
        elif segment.better_start < better_done:
            yield f"{span} is replaced by text that overlaps or precedes that of the one before it"
        done, better_done = max(done, segment.end), max(better_done, segment.better_end)


def _is_explained(response: Response, best: Response) -> bool:
    """Whether the segments, put in place, give the better text in every round that both have."""
    for number, (own, better) in enumerate(zip(response.rounds, best.rounds, strict=False)):
        segments = sorted((s for s in response.segments if s.round == number), key=lambda s: (s.start, s.end))
        if apply_segments(own, segments, better) != better:
            return False
    return True


def _find_text_trouble(record: Record) -> Iterator[tuple[str, str]]:
    for turn in record.prompt:
        for kind, message in (*find_text_trouble(turn.text), *_find_markup(turn)):
            yield kind, f"prompt: {message}"
    for number, response in enumerate(record.responses):
        for turn in response.turns:
            for kind, message in (*find_text_trouble(turn.text), *_find_markup(turn)):
                yield kind, f"answer {number}: {message}"


def _find_markup(turn: Turn) -> Iterator[tuple[str, str]]:
    """Each kind once, with what is found first and how often there is more."""
    found: dict[str, list[Markup]] = {}
    for one in find_markup(turn.text, turn.role):
        found.setdefault(one.kind, []).append(one)
    for kind, (first, *more) in found.items():
        others = f", and {len(more)} more" if more else ""
        yield kind, f"{first.describe()}{others}; {MARKUP[kind][1]}"
