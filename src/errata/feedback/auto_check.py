"""AMP's auto-check: generated levels ranked anew by their agreement with the standard answer (arXiv 2405.11165)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice, pairwise
from typing import Literal

from errata.errors import ConfigError
from errata.feedback.agreement import Agreement, AgreementSettings, Encoder, keep_passages, measure_agreement
from errata.feedback.check_report import CheckReport
from errata.feedback.chunkers import Chunker, Passage
from errata.feedback.outcome import Feedback
from errata.feedback.places import move_values
from errata.feedback.tally import Tally
from errata.records import Record, Response

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
