"""AMP's auto-check: generated levels ranked anew by their agreement with the standard answer (arXiv 2405.11165).

What auto-check changed, over all sets.

Kendall's rank correlation of two orders, ties handled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations, islice, pairwise
from typing import Any, Literal

from errata.errors import ConfigError
from errata.feedback.levels.agreement import (
    Agreement,
    AgreementSettings,
    Chunker,
    Encoder,
    Passage,
    keep_passages,
    measure_agreement,
)
from errata.feedback.outcome import Feedback, Tally, move_values
from errata.records import Record, Response


def kendall_tau(ranks: Sequence[float], other: Sequence[float]) -> float | None:
    """Kendall's τ-b of two rankings of the same things: 1 for the same order, -1 for the reverse.

    τ-b = (concordant − discordant) / √(pairs untied in one × pairs untied in the other): a pair that ties in one of
    them counts neither way. A strict order against one with ties therefore stays below 1 (2/√6 = 0.816 for three things
    of which two tie).

    Args:
        ranks: A number for each thing, equal numbers are ties; only their order counts.
        other: The same for the other ranking.

    Returns:
        τ-b, or None where one of the rankings ties everything: it has no order to agree with.
    """
    agreement = untied = other_untied = 0
    for (one, one_other), (two, two_other) in combinations(zip(ranks, other, strict=True), 2):
        sign, other_sign = _sign(one, two), _sign(one_other, two_other)
        agreement += sign * other_sign
        untied += sign != 0
        other_untied += other_sign != 0
    return agreement / math.sqrt(untied * other_untied) if untied and other_untied else None


def _sign(one: float, two: float) -> int:
    return (one > two) - (one < two)


EXAMPLES = 3
LONGEST = 300
"""Characters of a response that an example shows."""


@dataclass(slots=True)
class CheckReport:
    """Counts while records go by."""

    sets: int = 0
    unranked: int = 0
    reordered: int = 0
    pairs: int = 0
    swapped: int = 0
    taus: list[float] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, before: Record, after: Record) -> None:
        """Count a set: the record as it was and as it is."""
        self.sets += 1
        found = after.meta.get("auto_check")
        if found is None or after is before or len(after.responses) < 3:
            self.unranked += 1
            return
        former = [before.responses[place].level for place in found["former"]][1:]
        levels = list(after.levels)[1:]
        pairs = [(one, two) for one, two in combinations(former, 2) if one != two]
        self.pairs += len(pairs)
        self.swapped += sum(one > two for one, two in pairs)
        tau = kendall_tau(former, levels)
        self.taus += [] if tau is None else [tau]
        if found["former"] != sorted(found["former"]):
            self.reordered += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(_show(after))

    def build(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "sets": self.sets,
            "sets_with_nothing_to_rank": self.unranked,
            "sets_reordered": self.reordered,
            "pairs": self.pairs,
            "pairs_swapped": self.swapped,
            "mean_kendall_tau_with_the_given_order": sum(self.taus) / len(self.taus) if self.taus else None,
            "examples": self.examples,
        }


def _show(record: Record) -> dict[str, Any]:
    found = record.meta["auto_check"]
    columns = zip(record.responses, found["former"], found["acc"], found["score"], strict=True)
    rows = [
        {"former_place": former, "model": response.model, "acc": acc, "score": score, "text": _cut(response.rounds)}
        for response, former, acc, score in columns
    ]
    return {"id": record.id, "responses": rows}


def _cut(rounds: tuple[str, ...]) -> str:
    text = "\n".join(rounds)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


RECORDS_AT_ONCE = 64
"""Records whose texts are encoded together."""
DECIMALS = 6
"""Values of Acc and score that agree so far are equal: a batch of another size moves a cosine's last digits."""

Empty = Literal["keep", "drop"]


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How sets are checked.

    Args:
        agreement: How a response is compared with the standard answer.
        empty_standard: A standard answer without any noun chunk compares with nothing. `keep` leaves the order as it
            was, `drop` leaves the set out.
        empty_response: A response without any noun chunk agrees in nothing. `keep` ranks it last, `drop` leaves its
            set out.
    """

    agreement: AgreementSettings = field(default_factory=AgreementSettings)
    empty_standard: Empty = "keep"
    empty_response: Empty = "keep"

    def __post_init__(self) -> None:
        for name in ("empty_standard", "empty_response"):
            if getattr(self, name) not in ("keep", "drop"):
                raise ConfigError(name, expected="keep or drop", found=repr(getattr(self, name)), fix="choose one")


@dataclass(frozen=True, slots=True)
class Chunked:
    """A record and the passages of each of its responses."""

    record: Record
    passages: tuple[list[Passage], ...]


def check_levels(
    records: Iterable[Record], encoder: Encoder, chunker: Chunker, settings: CheckSettings | None = None
) -> Feedback:
    """Rank the responses below the standard answer of every record anew.

    The first response, the only one at level 0, is the standard and stays. The others are ranked by Acc, the best
    first, then by score, then in the order they had; each gets a level of its own, but those that shared one and are
    equal in both. Segments and model names move with their responses. `meta.auto_check` has what was found, in the new
    order, and `former`, the places that the responses had.

    Args:
        records: Sets of an answer that is known to be good and generated ones.
        encoder: Who compares texts.
        chunker: Who finds noun chunks.
        settings: Thresholds, and what happens where there is no chunk.
    """
    settings = settings or CheckSettings()
    tally, kept, report = Tally(0), [], CheckReport()
    standards = _tell_standards(records, tally)
    while batch := list(islice(standards, RECORDS_AT_ONCE)):
        chunked = [_find_passages(record, chunker, settings.agreement) for record in batch]
        encoder.prepare(_list_texts(chunked))
        for one in chunked:
            if missing := _find_missing(one, settings):
                tally.drop(one.record.id, missing)
                continue
            checked = check_record(one, encoder, settings)
            report.add(one.record, checked)
            kept.append(checked)
            tally.keep()
    stated = {"encoder": encoder.name, "encoder_is_a_stand_in": encoder.stand_in, "chunker": chunker.name}
    stated |= asdict(settings.agreement) | {"empty_standard": settings.empty_standard}
    stated |= {"empty_response": settings.empty_response}
    return Feedback("check", kept, tally, stated, report.build() | {"texts_cut": encoder.truncated})


def check_record(chunked: Chunked, encoder: Encoder, settings: CheckSettings) -> Record:
    """One record, ranked anew; as it was where the standard has no chunk or nothing is to be ranked."""
    record, (standard, *others) = chunked.record, chunked.passages
    if not standard or not others:
        return record
    found = [measure_agreement(standard, other, encoder, settings.agreement) for other in others]
    keys = [(-round(one.acc, DECIMALS), -round(one.score, DECIMALS)) for one in found]
    order = sorted(range(len(found)), key=keys.__getitem__)  # stable: equal ones keep the order they had
    levels = _build_levels([(keys[place], record.responses[place + 1].level) for place in order])
    ranked = [replace(record.responses[place + 1], level=level) for place, level in zip(order, levels, strict=True)]
    places = [0, *(place + 1 for place in order)]
    meta = record.meta | move_values(record, places) | {"auto_check": _describe(places, found, encoder)}
    return replace(record, responses=(record.responses[0], *ranked), meta=meta)


def _build_levels(ranked: Sequence[tuple[tuple[float, float], int]]) -> list[int]:
    """Levels from 1 for (key, former level) in their new order; what is equal in both shares one."""
    levels = [1] if ranked else []
    for before, here in pairwise(ranked):
        levels.append(levels[-1] + (before != here))
    return levels


def _tell_standards(records: Iterable[Record], tally: Tally) -> Iterator[Record]:
    """The records that have one standard answer; the others are counted."""
    for record in records:
        tally.prompts += 1
        best = record.levels.count(0)
        if best == 1:
            yield record
        else:
            tally.fail(
                record.id, "several answers at level 0", f"{best} of {len(record.responses)}; one is the standard"
            )


def _find_passages(record: Record, chunker: Chunker, settings: AgreementSettings) -> Chunked:
    return Chunked(record, tuple(_read(response, chunker, settings) for response in record.responses))


def _read(response: Response, chunker: Chunker, settings: AgreementSettings) -> list[Passage]:
    """The passages of all its rounds."""
    return keep_passages((one for text in response.rounds for one in chunker.find(text)), settings)


def _list_texts(chunked: Iterable[Chunked]) -> Iterator[str]:
    for one in chunked:
        for passages in one.passages:
            for passage in passages:
                yield passage.chunk
                yield passage.sentence


def _find_missing(one: Chunked, settings: CheckSettings) -> str:
    """Why a set is left out; empty where it is not."""
    standard, *others = one.passages
    if not standard and settings.empty_standard == "drop":
        return "no noun chunk in the standard answer"
    if not all(others) and settings.empty_response == "drop":
        return "a response without a noun chunk"
    return ""


def _describe(places: list[int], found: list[Agreement], encoder: Encoder) -> dict[str, object]:
    """What was found, in the new order; the standard, which is first, agrees with itself and has no value."""
    columns: dict[str, object] = {"former": places, "encoder": encoder.name}
    for name in ("acc", "score", "acc_local", "score_local", "acc_global", "score_global"):
        values = [round(float(getattr(found[place - 1], name)), DECIMALS) for place in places[1:]]
        columns[name] = [None, *values]
    return columns
