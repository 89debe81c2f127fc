"""From character spans to token weights, through the offsets that a fast tokenizer reports."""

from __future__ import annotations

from collections.abc import Sequence

from errata.corrections.spans import Span


def token_weights(offsets: Sequence[Span], spans: Sequence[Span], corrected_weight: float) -> list[float]:
    """One weight per token of one round: `corrected_weight` where its characters overlap a span, else 1.

    An empty span marks a junction where text is missing (`response_spans(…, one_sided="junction")`): the token that
    follows it weighs more, since there the model chose to go on without that text. Behind the last word that is the
    template or end token; where the text ends without one, the last token.

    Args:
        offsets: Characters `start:end` of each token in the round's text; (-1, -1) for tokens that are not text.
        spans: Characters to weigh in the same text.
        corrected_weight: γ of DDPO (arXiv 2312.00849, equation 5).
    """
    corrected = {_find_following(offsets, start) for start, end in spans if start == end}
    return [
        corrected_weight if number in corrected or any(_overlaps(offset, span) for span in spans) else 1.0
        for number, offset in enumerate(offsets)
    ]


def response_token_weights(
    offsets: Sequence[Span], round_index: Sequence[int], spans: Sequence[Sequence[Span]], corrected_weight: float
) -> list[float]:
    """`token_weights` of a response of several rounds.

    Args:
        offsets: As above, each token's in the text of its own round.
        round_index: The round of each token, from 0.
        spans: Spans by round, as `response_spans` gives them for one response; a missing round has none.
        corrected_weight: γ.
    """
    weights = [1.0] * len(offsets)
    for number, round_spans in enumerate(spans):
        members = [i for i, found in enumerate(round_index) if found == number]
        for i, weight in zip(
            members, token_weights([offsets[i] for i in members], round_spans, corrected_weight), strict=True
        ):
            weights[i] = weight
    return weights


def _overlaps(offset: Span, span: Span) -> bool:
    """Whether they share a character; a token of no width counts when it stands inside the span."""
    return offset[0] < span[1] and span[0] < offset[1]


def _find_following(offsets: Sequence[Span], place: int) -> int:
    """The first token that reaches beyond `place`, or the one behind the last text token, or the last of all."""
    last_text = -1
    for number, (start, end) in enumerate(offsets):
        if end > place:
            return number
        if start >= 0:
            last_text = number
    return min(last_text + 1, len(offsets) - 1)
