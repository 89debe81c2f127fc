"""Foreign formats in and out, and what can be checked before a model is loaded.

In: files that others wrote (our JSON lines, RLHF-V's parquet, TRL's rows, conversations, image files). Out: `Record`s
with their images stored beside them, several files as one mixture, foreign files again, and findings with the place
they were found. What a record is does not belong here (`records`), nor does anything that needs torch or a model.
"""

from errata.data.browse import find_segments, make_printable, render_record
from errata.data.check import Finding, check_records
from errata.data.corruption import CorruptionRule, corrupt_image
from errata.data.export_records import ExportSummary, export_records, list_writers
from errata.data.images import decode_image, open_image, resolve_image, store_image
from errata.data.import_records import RECORDS_FILE, ImportSummary, import_records
from errata.data.mixture import DataPart, load_mixture
from errata.data.open_dataset import LoadedRecords, Portion, iterate_records, load_records
from errata.data.push import push_folder
from errata.data.trl_rows import record_to_trl, records_from_trl

__all__ = [
    "RECORDS_FILE",
    "CorruptionRule",
    "DataPart",
    "ExportSummary",
    "Finding",
    "ImportSummary",
    "LoadedRecords",
    "Portion",
    "check_records",
    "corrupt_image",
    "decode_image",
    "export_records",
    "find_segments",
    "import_records",
    "iterate_records",
    "list_writers",
    "load_mixture",
    "load_records",
    "make_printable",
    "open_image",
    "push_folder",
    "record_to_trl",
    "records_from_trl",
    "render_record",
    "resolve_image",
    "store_image",
]
