"""Foreign formats, one file for each.

In: rows as `containers` gives them. Out: records, and rows again. Every format is one `Format` value, listed in
`registry.FORMATS`; who opens files, stores pictures, finds segments and sets bad rows aside is `data`, not a format.
"""

from errata.data.formats.format import Format, ReadContext, Sample, WriteContext, refuse
from errata.data.formats.own import JSON_LINES
from errata.data.formats.registry import FORMATS, find_format, recognise, recognise_file
from errata.data.formats.unread import read_records, suggest_columns

__all__ = [
    "FORMATS",
    "JSON_LINES",
    "Format",
    "ReadContext",
    "Sample",
    "WriteContext",
    "find_format",
    "read_records",
    "recognise",
    "recognise_file",
    "refuse",
    "suggest_columns",
]
