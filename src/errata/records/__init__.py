"""What a record is and how it is stored.

In: nothing but the standard library. Out: the nouns every room shares (`Record`, `Response`, `Segment`, `Question`,
`Answer`, `Metric`, `BenchmarkResult`), their JSON lines, how JSON is read strictly and how a file is written whole.
Foreign formats do not belong here (`data`), nor does anything that needs torch, a tokenizer or a model.
"""

from errata.records.coverage import describe_answered, describe_changes, describe_coverage, describe_details
from errata.records.fields import Fields
from errata.records.jsonl import iterate_records, parse_record, read_records, record_to_row, write_records
from errata.records.missing import (
    BAD_FILE,
    BadRow,
    BadRows,
    Missing,
    count_reasons,
    describe_reasons,
    setting_aside,
    write_bad_rows,
)
from errata.records.preference import (
    IMAGE_PLACEHOLDER,
    ROLES,
    SEGMENT_TYPES,
    Answer,
    Question,
    Record,
    Response,
    Role,
    Segment,
    Turn,
)
from errata.records.questions import (
    answer_to_row,
    question_to_row,
    read_answers,
    read_questions,
    write_answers,
    write_questions,
)
from errata.records.replies import CHANGES, count_changes, describe_answers
from errata.records.result import BenchmarkResult, Metric, result_from_row, result_to_row

__all__ = [
    "BAD_FILE",
    "CHANGES",
    "IMAGE_PLACEHOLDER",
    "ROLES",
    "SEGMENT_TYPES",
    "Answer",
    "BadRow",
    "BadRows",
    "BenchmarkResult",
    "Fields",
    "Metric",
    "Missing",
    "Question",
    "Record",
    "Response",
    "Role",
    "Segment",
    "Turn",
    "answer_to_row",
    "count_changes",
    "count_reasons",
    "describe_answered",
    "describe_answers",
    "describe_changes",
    "describe_coverage",
    "describe_details",
    "describe_reasons",
    "iterate_records",
    "parse_record",
    "question_to_row",
    "read_answers",
    "read_questions",
    "read_records",
    "record_to_row",
    "result_from_row",
    "result_to_row",
    "setting_aside",
    "write_answers",
    "write_bad_rows",
    "write_questions",
    "write_records",
]
