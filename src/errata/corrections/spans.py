"""Which characters of each response a record's segments ask to weigh."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from errata.errors import ConfigError
from errata.records import Record, Segment

Span = tuple[int, int]
OneSided = Literal["present", "ignore", "junction"]
ONE_SIDED_RULES: tuple[OneSided, ...] = get_args(OneSided)


def response_spans(record: Record, *, one_sided: OneSided = "present") -> list[list[list[Span]]]:
    """The spans to weigh, by response and round: `spans[response][round]`, sorted and without overlap.

    A response's own segments give its spans; the first response, which all segments compare with, gets the better
    sides of them all. White space at a span's edges is left out, so that a tokenizer that glues spaces to the next
    word gives the same weights as one that does not.

    Args:
        record: The record with its segments.
        one_sided: What an insertion or a deletion does, where one side is empty. `present` weighs the side that has
            words; `junction` also keeps the empty span on the other side, where `token_weights` weighs the token that
            follows; `ignore` weighs neither, as RLHF-V's release does.

    Raises:
        ConfigError: Another rule.
    """
    if one_sided not in ONE_SIDED_RULES:
        raise ConfigError(
            "one_sided", expected=f"one of {', '.join(ONE_SIDED_RULES)}", found=repr(one_sided), fix="choose one"
        )
    spans: list[list[list[Span]]] = [[[] for _ in response.rounds] for response in record.responses]
    for number, response in enumerate(record.responses):
        for segment in response.segments:
            if _is_wanted(segment, one_sided):
                spans[number][segment.round].append((segment.start, segment.end))
                spans[0][segment.round].append((segment.better_start, segment.better_end))
    return [
        [_clean(found, text, one_sided) for found, text in zip(rounds, response.rounds, strict=True)]
        for rounds, response in zip(spans, record.responses, strict=True)
    ]


def _is_wanted(segment: Segment, one_sided: OneSided) -> bool:
    has_both = segment.start < segment.end and segment.better_start < segment.better_end
    return has_both or one_sided != "ignore"


def _clean(spans: Iterable[Span], text: str, one_sided: OneSided) -> list[Span]:
    """Spans without white space at the edges, merged where they touch; empty ones only under `junction`."""
    merged: list[Span] = []
    for start, end in sorted(_strip(span, text) for span in spans):
        if start == end and one_sided != "junction":
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _strip(span: Span, text: str) -> Span:
    """The span without white space at its edges; a span of white space alone stays, it is all that changed."""
    start, end = span
    inside = text[start:end]
    if not inside.strip():
        return span
    return start + len(inside) - len(inside.lstrip()), end - (len(inside) - len(inside.rstrip()))
