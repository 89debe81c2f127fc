"""The rule by which RLHF-V's released code finds changed tokens, kept for comparison (arXiv 2312.00849's repository).

It compares whole token sequences and differs from `diff_segments` on purpose: matches shorter than `min_match_size`
do not count, what only one side has is not a change, and difflib's "autojunk" hides frequent tokens of long sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from errata.errors import ConfigError


def released_changed_ids(
    rejected_ids: Sequence[int], chosen_ids: Sequence[int], min_match_size: int = 3
) -> tuple[list[int], list[int]]:
    """Indices of the changed tokens in both sequences.

    The release calls it on the whole padded sequences, prompt included and without their first token, so that the
    indices fit log-probs shifted by one. The order of the two matters: autojunk looks at `chosen_ids` only.

    Args:
        rejected_ids: Token ids of the worse sequence.
        chosen_ids: Token ids of the better sequence.
        min_match_size: Shorter runs of equal tokens count as changed, together with what surrounds them.

    Raises:
        ConfigError: A `min_match_size` below 1.
    """
    if min_match_size < 1:
        raise ConfigError(
            "min_match_size", expected="at least 1", found=str(min_match_size), fix="use 3, as RLHF-V's release does"
        )
    rejected_changed: list[int] = []
    chosen_changed: list[int] = []
    rejected_done = chosen_done = 0
    for rejected_start, chosen_start, size in _find_long_matches(rejected_ids, chosen_ids, min_match_size):
        rejected_gap, chosen_gap = range(rejected_done, rejected_start), range(chosen_done, chosen_start)
        if rejected_gap and chosen_gap:
            rejected_changed += rejected_gap
            chosen_changed += chosen_gap
        rejected_done, chosen_done = rejected_start + size, chosen_start + size
    return rejected_changed, chosen_changed


def _find_long_matches(rejected: Sequence[int], chosen: Sequence[int], min_size: int) -> list[tuple[int, int, int]]:
    """(start, start, size) of the runs of at least `min_size` equal tokens, closed by an empty one at the end."""
    blocks = SequenceMatcher(None, rejected, chosen).get_matching_blocks()
    return [(a, b, size) for a, b, size in blocks if size >= min_size] + [(len(rejected), len(chosen), 0)]
