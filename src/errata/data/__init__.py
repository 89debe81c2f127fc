"""Foreign formats in and out, and what can be checked before a model is loaded.

In: files that others wrote (our JSON lines, RLHF-V's parquet, TRL's rows, conversations, image files). Out: `Record`s
with their images stored beside them, several files as one mixture, foreign files again, and findings with the place
they were found. `shaping` makes records of records, `expressions` is the language of its filter. What a record is does
not belong here (`records`), nor does anything that needs torch or a model.
"""

from errata.data.browse import find_segments, make_printable, render_record
from errata.data.check import Finding, check_records
from errata.data.conversations import record_from_conversation
from errata.data.corruption import CorruptionRule, corrupt_image
from errata.data.images import decode_image, open_image, resolve_image, store_image
from errata.data.mixture import DataPart, load_mixture
from errata.data.open_dataset import RECORDS_FILE, LoadedRecords, Portion, import_records, load_records
from errata.data.rlhfv import record_from_rlhfv, write_rlhfv
from errata.data.trl import record_from_trl, record_to_trl, records_from_trl

__all__ = [
    "RECORDS_FILE",
    "CorruptionRule",
    "DataPart",
    "Finding",
    "LoadedRecords",
    "Portion",
    "check_records",
    "corrupt_image",
    "decode_image",
    "find_segments",
    "import_records",
    "load_mixture",
    "load_records",
    "make_printable",
    "open_image",
    "record_from_conversation",
    "record_from_rlhfv",
    "record_from_trl",
    "record_to_trl",
    "records_from_trl",
    "render_record",
    "resolve_image",
    "store_image",
    "write_rlhfv",
]
