"""Files as rows, whatever holds them: JSON, CSV, parquet, Arrow, compressed files, folders and names on the Hub.

In: a path or a name. Out: rows, each with the place it stands at. What a row means belongs to `formats`.
"""

from errata.data.rows.containers import RawRow, Row, is_empty, iterate_rows
from errata.data.rows.json_rows import iterate_json_values, iterate_member, list_other_lists
from errata.data.rows.parquet import read_parquet, write_parquet, write_shards
from errata.data.rows.saved import find_other_splits, is_saved
from errata.data.rows.sources import (
    SourceFile,
    SourceNames,
    build_hub_source,
    is_hub_name,
    list_files,
    open_file,
    read_source_names,
)

__all__ = [
    "RawRow",
    "Row",
    "SourceFile",
    "SourceNames",
    "build_hub_source",
    "find_other_splits",
    "is_empty",
    "is_hub_name",
    "is_saved",
    "iterate_json_values",
    "iterate_member",
    "iterate_rows",
    "list_files",
    "list_other_lists",
    "open_file",
    "read_parquet",
    "read_source_names",
    "write_parquet",
    "write_shards",
]
