"""Verdicts on claims -> response scores -> pairs, by the rules that RLAIF-V released (arXiv 2405.17220).

Pure. Two things differ on purpose: the draw is seeded, and responses keep their order (the release takes a set's). The
release's last step, the balance of lengths, is in `length_balance`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """A claim's question, and the probabilities that a labeller gave its one-word answers on the image.

    `p_yes` is p(yes) + p(Yes), `p_no` is p(no) + p(No); their sum may be below 1.
    """

    claim: str
    question: str
    p_yes: float
    p_no: float

    @property
    def ok(self) -> bool:
        """Whether the claim stands; a tie is a rejection."""
        return self.p_yes > self.p_no


@dataclass(frozen=True, slots=True)
class JudgedResponse:
    """A response with the verdicts on its claims; `n_claims` is how many there should be."""

    id: str
    text: str
    verdicts: tuple[ClaimVerdict, ...]
    n_claims: int

    @property
    def score(self) -> int:
        """Minus the number of rejected claims; the size of a probability does not count."""
        return -sum(not verdict.ok for verdict in self.verdicts)

    @property
    def is_complete(self) -> bool:
        """Whether every claim has a verdict on a question of its own. One without any claim is not."""
        return bool(self.n_claims) and len({verdict.question for verdict in self.verdicts}) == self.n_claims


@dataclass(frozen=True, slots=True)
class ClaimPair:
    """Two responses to one prompt of which `chosen` has fewer rejected claims."""

    prompt_id: str
    chosen: JudgedResponse
    rejected: JudgedResponse


def find_pairs(prompt_id: str, responses: Sequence[JudgedResponse], gap: int = 1) -> list[ClaimPair]:
    """Every pair of complete responses to one prompt whose scores differ by at least `gap`, and whose texts differ."""
    complete = [response for response in responses if response.is_complete]
    pairs = []
    for one, other in combinations(complete, 2):
        if abs(one.score - other.score) >= gap and one.text.strip() != other.text.strip():
            chosen, rejected = (one, other) if one.score > other.score else (other, one)
            pairs.append(ClaimPair(prompt_id, chosen, rejected))
    return pairs


def draw_pairs(pairs: Sequence[ClaimPair], at_most: int, seed: int) -> list[ClaimPair]:
    """At most so many of one prompt's pairs, in their order.

    The draw depends on the seed and the prompt alone: other prompts may come and go.
    """
    if len(pairs) <= at_most:
        return list(pairs)
    chance = random.Random(f"{seed} {pairs[0].prompt_id}")
    return [pairs[number] for number in sorted(chance.sample(range(len(pairs)), at_most))]
