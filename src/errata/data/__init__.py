"""Foreign formats in and out, and what can be checked before a model is loaded.

In: files that others wrote (our JSON lines, RLHF-V's parquet, TRL's rows, conversations, image files). Out: `Record`s
with their images stored beside them, several files as one mixture, foreign files again, findings with the place they
were found, safe repairs, and records to look at, in a terminal or as one page. `shaping` makes records of records,
`filter` is the language of conditions on records. What a record is does not belong here (`records`), nor does anything
that needs torch or a model.
"""

from errata.data.browse import write_browse_page
from errata.data.check import CheckReport, check_file, check_records
from errata.data.check_style import REWRITE_LEAST, REWRITE_RATIO
from errata.data.edit_ratio import measure_edit_ratio
from errata.data.export_records import ExportSummary, export_records, list_writers
from errata.data.findings import FINDING_KINDS, Finding
from errata.data.import_records import RECORDS_FILE, ImportSummary, find_records_file, import_records
from errata.data.mixture import DataPart, load_mixture
from errata.data.open_dataset import LoadedRecords, Portion, load_records, open_records
from errata.data.parquet import read_parquet
from errata.data.push import push_folder
from errata.data.reading import OnBad, describe_reading, list_counts
from errata.data.repair import REPAIRS, RepairedFile, repair_file
from errata.data.segmenting import find_segments
from errata.data.show import render_difference, render_legend, render_record
from errata.data.trl_rows import record_to_trl, records_from_trl

__all__ = [
    "FINDING_KINDS",
    "RECORDS_FILE",
    "REPAIRS",
    "REWRITE_LEAST",
    "REWRITE_RATIO",
    "CheckReport",
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
    "describe_reading",
    "export_records",
    "find_records_file",
    "find_segments",
    "import_records",
    "list_counts",
    "list_writers",
    "load_mixture",
    "load_records",
    "measure_edit_ratio",
    "open_records",
    "push_folder",
    "read_parquet",
    "record_to_trl",
    "records_from_trl",
    "render_difference",
    "render_legend",
    "render_record",
    "repair_file",
    "write_browse_page",
]
