"""Foreign formats in and out, and what can be checked before a model is loaded.

In: files that others wrote (our JSON lines, RLHF-V's parquet, TRL's rows, conversations, image files). Out: `Record`s
with their images stored beside them, several files as one mixture, foreign files again, findings with the place they
were found, safe repairs, and records to look at, in a terminal or as one page. `shaping` makes records of records,
`filter` is the language of conditions on records. What a record is does not belong here (`records`), nor does anything
that needs torch or a model.
"""

from errata.data.browse import write_browse_page
from errata.data.browse.show import render_difference, render_legend, render_record
from errata.data.checks import (
    FINDING_KINDS,
    REPAIRS,
    REWRITE_LEAST,
    REWRITE_RATIO,
    CheckReport,
    Finding,
    RepairedFile,
    check_file,
    check_records,
    repair_file,
)
from errata.data.dataset_card import push_folder
from errata.data.export_records import ExportSummary, export_records, list_writers
from errata.data.import_records import RECORDS_FILE, ImportSummary, find_records_file, import_records
from errata.data.loading import (
    DataPart,
    LoadedRecords,
    Portion,
    load_mixture,
    load_records,
    open_records,
    record_to_trl,
    records_from_trl,
)
from errata.data.reading import OnBad, describe_reading, list_counts
from errata.data.rows import read_parquet
from errata.data.segments import find_segments, measure_edit_ratio
from errata.images import (
    CorruptionRule,
    corrupt_image,
    decode_image,
    encode_png,
    fit_pixels,
    open_image,
    resize_to,
    resolve_image,
    show_file,
    show_object,
    store_image,
)

__all__ = [
    "FINDING_KINDS",
    "RECORDS_FILE",
    "REPAIRS",
    "REWRITE_LEAST",
    "REWRITE_RATIO",
    "CheckReport",
    "CorruptionRule",
    "DataPart",
    "ExportSummary",
    "Finding",
    "ImportSummary",
    "LoadedRecords",
    "OnBad",
    "Portion",
    "RepairedFile",
    "check_file",
    "check_records",
    "corrupt_image",
    "decode_image",
    "describe_reading",
    "encode_png",
    "export_records",
    "find_records_file",
    "find_segments",
    "fit_pixels",
    "import_records",
    "list_counts",
    "list_writers",
    "load_mixture",
    "load_records",
    "measure_edit_ratio",
    "open_image",
    "open_records",
    "push_folder",
    "read_parquet",
    "record_to_trl",
    "records_from_trl",
    "render_difference",
    "render_legend",
    "render_record",
    "repair_file",
    "resize_to",
    "resolve_image",
    "show_file",
    "show_object",
    "store_image",
    "write_browse_page",
]
