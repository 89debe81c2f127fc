"""What a correction changed: a word-level difference as segments, and the way back.

Words are aligned by difflib's longest-match-first rule, which people find more readable than the shortest edit script;
its "autojunk" shortcut is off, since it would hide frequent words of long texts. What that costs grows with the square
of the length, so texts of more than `MOST_WORDS` are first cut down to what lies between their equal ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile

from errata.corrections.spans import Span
from errata.corrections.words import split_words
from errata.errors import DataError
from errata.records import Segment

MOST_WORDS = 5_000
"""Far above any answer. What is left of longer texts without their equal ends is one segment if it is as long."""


def diff_segments(original: str, corrected: str, *, round: int = 0, type: str | None = None) -> tuple[Segment, ...]:
    """The segments of `original` (the worse text) that differ from `corrected`, in order and without overlap.

    A segment begins and ends at word boundaries and leaves out the white space that both texts share around it. A
    deletion has an empty better span, an insertion an empty own one; these take along the white space that goes or
    comes with the words.

    Args:
        original: The worse text of one round.
        corrected: The better text of the same round.
        round: Written into every segment.
        type: Written into every segment, one of `records.SEGMENT_TYPES` or None.
    """
    own, better = split_words(original), split_words(corrected)
    segments = []
    for (own_from, own_to), (better_from, better_to) in _find_gaps(original, own, corrected, better):
        head, tail = _count_shared_space(original[own_from:own_to], corrected[better_from:better_to])
        span = (own_from + head, own_to - tail, better_from + head, better_to - tail)
        segments.append(Segment(*span, type=type, round=round))
    return tuple(segments)


def apply_segments(original: str, segments: Sequence[Segment], better: str) -> str:
    """Put the better text's spans in place of the original's; with all of `diff_segments`, this gives `better` back.

    Args:
        original: The worse text of one round.
        segments: Segments of that round, in order. Some of them may be left out: those spans stay as they were.
        better: The better text of the same round.

    Raises:
        DataError: Segments that overlap, are out of order or reach outside the texts.
    """
    parts, done = [], 0
    for number, segment in enumerate(segments):
        _require_usable(segment, number, done, len(original), len(better))
        parts += [original[done : segment.start], better[segment.better_start : segment.better_end]]
        done = segment.end
    return "".join([*parts, original[done:]])


def _find_gaps(
    original: str, own: list[tuple[int, int]], corrected: str, better: list[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of spans between two neighbouring matched words (or a text's edge) whose texts differ."""
    own_done = better_done = 0
    for (own_start, own_end), (better_start, better_end) in _match_texts(original, own, corrected, better):
        if original[own_done:own_start] != corrected[better_done:better_start]:
            yield (own_done, own_start), (better_done, better_start)
        own_done, better_done = own_end, better_end


def _match_texts(original: str, own: list[Span], corrected: str, better: list[Span]) -> Iterator[tuple[Span, Span]]:
    """As `_match_words`; of long texts without looking at their equal ends, or at what lies between if that is long."""
    if max(len(own), len(better)) <= MOST_WORDS:
        yield from _match_words(original, own, corrected, better)
        return
    head = _count_equal_words(original, own, corrected, better)
    tail = _count_equal_words(original, own[head:][::-1], corrected, better[head:][::-1])
    middle, better_middle = own[head : len(own) - tail], better[head : len(better) - tail]
    yield from zip(own[:head], better[:head], strict=True)
    if max(len(middle), len(better_middle)) <= MOST_WORDS:
        yield from list(_match_words(original, middle, corrected, better_middle))[:-1]  # the last closes the texts
    yield from zip(own[len(own) - tail :], better[len(better) - tail :], strict=True)
    yield (len(original), len(original)), (len(corrected), len(corrected))


def _count_equal_words(original: str, own: list[Span], corrected: str, better: list[Span]) -> int:
    """How many words both lists of spans begin with."""
    pairs = zip(own, better, strict=False)
    return sum(1 for _ in takewhile(lambda pair: original[slice(*pair[0])] == corrected[slice(*pair[1])], pairs))


def _match_words(
    original: str, own: list[tuple[int, int]], corrected: str, better: list[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Spans of equal words or runs of them in both texts, in order, closed by the empty match at both ends."""
    own_words = [original[start:end] for start, end in own]
    better_words = [corrected[start:end] for start, end in better]
    for block in SequenceMatcher(None, own_words, better_words, autojunk=False).get_matching_blocks():
        spans = own[block.a : block.a + block.size], better[block.b : block.b + block.size]
        if not block.size:
            continue
        run, better_run = ((part[0][0], part[-1][1]) for part in spans)
        if original[slice(*run)] == corrected[slice(*better_run)]:
            yield run, better_run
        else:  # the white space between them differs
            yield from zip(*spans, strict=True)
    yield (len(original), len(original)), (len(corrected), len(corrected))


def _count_shared_space(own: str, better: str) -> tuple[int, int]:
    """How many white-space characters both texts begin with, and then how many both end with."""
    head = _count_equal(_split_spaces(own)[0], _split_spaces(better)[0])
    tails = [_split_spaces(text[head:])[1][::-1] for text in (own, better)]
    return head, _count_equal(*tails)


def _count_equal(own: str, better: str) -> int:
    """How many characters both texts begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(own, better, strict=False)))


def _split_spaces(text: str) -> tuple[str, str]:
    """The white space before the first word and after the last; words decide, since a space can carry a mark."""
    if text.isascii():
        inner = text.strip()
        start = text.index(inner)
        return (text[:start], text[start + len(inner) :]) if inner else (text, text)
    words = split_words(text)
    return (text[: words[0][0]], text[words[-1][1] :]) if words else (text, text)


def _require_usable(segment: Segment, number: int, done: int, own_length: int, better_length: int) -> None:
    inside = segment.end <= own_length and 0 <= segment.better_start <= segment.better_end <= better_length
    if not (done <= segment.start <= segment.end and inside):
        raise DataError(
            f"segment {number}",
            expected=f"spans in order, without overlap, inside texts of {own_length} and {better_length} characters",
            found=f"{segment.start}:{segment.end} for {segment.better_start}:{segment.better_end} after {done}",
            fix="sort the segments of one round and give the texts they were made from",
        )
