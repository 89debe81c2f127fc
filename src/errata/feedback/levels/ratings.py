"""Ratings of several answers to one prompt -> levels, ties kept (VLFeedback and the like)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from errata.data.shaping import Levelling, level_record
from errata.errors import ConfigError, DataError
from errata.feedback.outcome import Feedback, Tally
from errata.records import Record


def build_rated_levels(records: Iterable[Record], levelling: Levelling, *, least: int = 2) -> Feedback:
    """Sort the responses of every record into levels by their ratings.

    Equal ratings are ties and stay in the record at one level: an objective compares no two of them. A tie is never
    broken by the order of the responses.

    Args:
        records: With ratings in `meta`, as `errata data import` leaves them.
        levelling: Which ratings, and how they become levels.
        least: Records with fewer levels are left out; AMP needs K different ratings for K levels.

    Raises:
        ConfigError: `least` is below 2: one level compares nothing.
    """
    if least < 2:
        raise ConfigError("least", expected="at least 2 levels", found=str(least), fix="change --least")
    tally, kept = Tally(0), []
    for record in records:
        tally.prompts += 1
        try:
            levelled = level_record(record, levelling)
        except DataError as error:
            tally.fail(record.id, "no number for every response", str(error))
            continue
        levels = len(set(levelled.levels))
        if levels < least:
            tally.drop(record.id, f"fewer than {least} levels", f"{levels} among {len(levelled.responses)} responses")
            continue
        tally.keep()
        kept.append(levelled)
    return Feedback("ratings", kept, tally, {"levels": asdict(levelling), "least": least})
