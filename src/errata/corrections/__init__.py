"""From an original and a corrected text to the tokens that deserve more weight.

In: texts, records, and token offsets or ids as plain numbers. Out: segments, character spans and token weights. No
tokenizer and no torch belong here; who tokenises (`models`) and who turns weights into a loss (`objectives`) live
elsewhere. Character offsets count Unicode code points, ends are exclusive.
"""

from errata.corrections.released import released_changed_ids
from errata.corrections.segments import apply_segments, diff_segments
from errata.corrections.spans import ONE_SIDED_RULES, OneSided, Span, response_spans
from errata.corrections.weights import response_token_weights, token_weights
from errata.corrections.words import split_words

__all__ = [
    "ONE_SIDED_RULES",
    "OneSided",
    "Span",
    "apply_segments",
    "diff_segments",
    "released_changed_ids",
    "response_spans",
    "response_token_weights",
    "split_words",
    "token_weights",
]
