"""What judging would cost, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from errata.judges.calls import JudgeCall
from errata.judges.prices import UNKNOWN, Price, format_price
from errata.judges.verdicts import Sample

ASCII_PER_TOKEN = 4
IMAGE_TOKENS = 765
"""Of a picture of 1024 x 1024 pixels as OpenAI counted for GPT-4o; servers differ widely."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a run that has not been made.

    Attributes:
        calls: Verdicts wanted, repetitions included, equal ones once.
        cached: Of these, those that the cache answers.
        prompt_tokens: About as many are sent.
        completion_tokens: At most as many come back.
        cost: At most, in US dollars, for one attempt each; None where the price is unknown.
        price: That the cost was computed with.
    """

    calls: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    price: Price | None

    def describe(self) -> list[str]:
        """As lines for a terminal."""
        as_of = f" at the prices of {self.price.as_of}" if self.price is not None and self.price.as_of else ""
        cost = UNKNOWN if self.cost is None else f"at most {format_price(self.cost)}{as_of}"
        return [
            f"calls     {self.calls - self.cached:,} to make, {self.cached:,} of {self.calls:,} in the cache",
            f"tokens    about {self.prompt_tokens:,} sent, at most {self.completion_tokens:,} received",
            f"cost      {cost}; replies that cannot be read or are cut off cost more",
        ]


def stand_in(call: JudgeCall, room: int) -> Sample:
    """A reply of so many tokens, of which no two are alike, for calls that quote it."""
    return Sample("read", raw=f"{call.id} {'word ' * room}"[: ASCII_PER_TOKEN * room])


def estimate_tokens(call: JudgeCall, room: int) -> tuple[int, int]:
    """(tokens of the prompt, about; tokens of the reply, at most) without the judge's tokenizer, which is not ours."""
    text = call.render()
    ascii_characters = len(text.encode("ascii", "ignore"))
    about = -(-ascii_characters // ASCII_PER_TOKEN) + len(text) - ascii_characters
    return about + IMAGE_TOKENS * len(call.images), room
