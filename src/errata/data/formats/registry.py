"""Every format that is read or written, and which one a row is of."""

from __future__ import annotations

from pathlib import Path

from errata.data.formats.amp import AMP
from errata.data.formats.argilla import ARGILLA
from errata.data.formats.choice import CHOICE
from errata.data.formats.conversations import CONVERSATIONS
from errata.data.formats.format import Format, Sample
from errata.data.formats.label_studio import LABEL_STUDIO
from errata.data.formats.llama_factory import LLAMA_FACTORY
from errata.data.formats.llava_rlhf import LLAVA_RLHF
from errata.data.formats.ms_swift import MS_SWIFT
from errata.data.formats.own import JSON_LINES, PARQUET
from errata.data.formats.rlaifv import RLAIFV
from errata.data.formats.rlhfv import RLHFV
from errata.data.formats.rlhfv_tsv import RLHFV_TSV
from errata.data.formats.table import TABLE
from errata.data.formats.trl import TRL
from errata.data.formats.vlfeedback import VLFEEDBACK
from errata.data.formats.vqa import VQA
from errata.errors import DataError

FORMATS: tuple[Format, ...] = (
    JSON_LINES,
    PARQUET,
    RLHFV,
    RLHFV_TSV,
    RLAIFV,
    VLFEEDBACK,
    LLAVA_RLHF,
    CHOICE,
    AMP,
    LABEL_STUDIO,
    ARGILLA,
    VQA,
    LLAMA_FACTORY,
    MS_SWIFT,
    TABLE,
    TRL,
    CONVERSATIONS,
)
"""Asked in this order which of them a row is of: those with rarer columns stand before those with common ones."""


def find_format(name: str) -> Format:
    """The format of a name. Raises DataError that lists the names."""
    for known in FORMATS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in FORMATS)
    raise DataError("--format", expected=f"one of {names}", found=repr(name), fix="choose one (docs/formats.md)")


def recognise(sample: Sample, *, with_columns: bool = False) -> Format | None:
    """The first format that says yes to a row, or None.

    Args:
        sample: The row.
        with_columns: Columns were named: only formats that read such names are asked, and a table is any row.
    """
    if with_columns:
        return next((known for known in FORMATS if known.takes_columns and known.recognise(sample)), TABLE)
    return next((known for known in FORMATS if known.recognise(sample)), None)


def recognise_file(path: Path) -> Format | None:
    """The format that knows a file as a whole, or None where its rows must say it. Raises OSError as `open` does."""
    return next((known for known in FORMATS if known.recognise_file is not None and known.recognise_file(path)), None)
