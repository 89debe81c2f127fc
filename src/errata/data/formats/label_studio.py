"""Label Studio's JSON export: tasks with their annotations.

Read are corrected texts (`textarea`), choices of one of two answers (`pairwise`), rankings (`ranker`, also with
buckets), stars (`rating`) and labelled spans of plain text (`labels`), which become typed segments. One record for each
annotation that was not cancelled. Answers are the data fields that the results name; where the labelling set-up calls
them otherwise, `--columns left=… right=… response=…` says which they are.

Label Studio counts code points since version 1.3 (its issue 1008) and UTF-16 units before. The text that it writes
beside a span tells which; without one, "completions", the older key of annotations, does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from errata.data.formats.format import Format, ReadContext, Sample
from errata.data.formats.label_studio_results import Task, read_results, read_task
from errata.data.formats.parts import take_id, take_source
from errata.data.formats.verdicts import Verdict, build_records
from errata.data.rows import Row
from errata.errors import quote
from errata.records import Record, Turn

KEYS = ("annotations", "completions")


def _recognise(sample: Sample) -> bool:
    return isinstance(sample.row.get("data"), Mapping) and any(isinstance(sample.row.get(key), list) for key in KEYS)


def _read_row(row: Row, context: ReadContext) -> Iterable[Record]:
    task, annotations = read_task(row, context), _list_annotations(row, context)
    verdicts = [(one, _read_annotation(one, task, context)) for one in annotations]
    if not verdicts:
        raise context.error("a finished annotation", "none", "finish the task, or leave it out of the export")
    name = take_id(row, context)
    images = context.store(task.images)
    for number, (annotation, verdict) in enumerate(verdicts):
        own = name if len(verdicts) == 1 else f"{name}-{annotation.get('id', number + 1)}"
        said = {*verdict.levels, *verdict.corrections}
        meta = {field: value for field, value in task.data.items() if field not in said}
        fields = {
            "id": own,
            "prompt": (Turn("user", task.prompt),),
            "images": images,
            "source": take_source(task.data),
            "meta": meta,
        }
        yield from build_records(task.answers, verdict, context, **fields)


def _list_annotations(row: Row, context: ReadContext) -> list[Mapping[str, Any]]:
    """Those that were not cancelled."""
    annotations = next(row[key] for key in KEYS if isinstance(row.get(key), list))
    if not all(isinstance(one, Mapping) for one in annotations):
        raise context.error("annotations as objects", "another type among them")
    return [one for one in annotations if not (one.get("was_cancelled") or one.get("skipped"))]


def _read_annotation(annotation: Mapping[str, Any], task: Task, context: ReadContext) -> Verdict:
    results = annotation.get("result")
    if not isinstance(results, list) or not all(isinstance(one, Mapping) for one in results):
        raise context.error("'result' of an annotation as a list of objects", quote(results))
    return read_results(results, task, context, annotation.get("completed_by"))


LABEL_STUDIO = Format("label-studio", "Label Studio's JSON export", _recognise, _read_row, takes_columns=True)
