"""Files that a kill or a full disk leaves whole: texts, JSON lines, SQLite, and the guard of a run's folder.

In: paths, texts, rows. Out: files that are there entirely or not at all, and errors with their place. What a row means
does not belong here (`records`).
"""

from errata.storage.files import remove_file, replacing, replacing_folder, storing
from errata.storage.find_file import find_file
from errata.storage.lines import (
    format_line,
    iterate_lines,
    number_lines,
    parse_line,
    read_json_lines,
    write_document,
    write_json_array,
    write_json_lines,
    write_text,
    writing_json_lines,
)
from errata.storage.run_guard import read_stated, require_own_folder, require_same_run
from errata.storage.sqlite_file import SqliteFile, Table

__all__ = [
    "SqliteFile",
    "Table",
    "find_file",
    "format_line",
    "iterate_lines",
    "number_lines",
    "parse_line",
    "read_json_lines",
    "read_stated",
    "remove_file",
    "replacing",
    "replacing_folder",
    "require_own_folder",
    "require_same_run",
    "storing",
    "write_document",
    "write_json_array",
    "write_json_lines",
    "write_text",
    "writing_json_lines",
]
