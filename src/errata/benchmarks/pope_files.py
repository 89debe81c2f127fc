"""POPE's question files: JSON lines (or one array) of `{question_id, image, text, label}`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from errata.benchmarks.official_files import read_places
from errata.benchmarks.pope_build import SETTINGS
from errata.errors import DataError
from errata.records import Question, Turn, write_json_lines

Vintage = Literal["old", "new", "other"]

_OBJECT = re.compile(r"\ban? (.+?)(?: in (?:the|this) im\w+)?\?")


def read_pope(path: str | Path, *, setting: str | None = None) -> list[Question]:
    """Read a question file of either vintage.

    Args:
        path: JSON lines, or one JSON array.
        setting: random, popular or adversarial; without it the row's `category`, else the one in the file's name.

    Returns:
        Questions with ids `pope-<setting>-<question_id>` and `meta` `{label, object, setting, question_id, vintage}`.

    Raises:
        DataError: `file:line` of a row without one of the fields or with another label; a question_id that repeats.
    """
    path = Path(path)
    named = setting or next((name for name in SETTINGS if name in path.stem), "")
    rows = [(where, _check_row(row, where)) for where, row in read_places(path)]
    vintage = find_vintage([row["text"] for _, row in rows])
    questions: dict[str, Question] = {}
    for where, row in rows:
        question = _to_question(row, setting or row.get("category", "") or named, vintage)
        if question.id in questions:
            raise DataError(where, expected="ids that occur once", found=f"{row['question_id']} again", fix="renumber")
        questions[question.id] = question
    return list(questions.values())


def write_pope(path: str | Path, questions: Iterable[Question]) -> None:
    """Write questions of one setting in the official form, numbered from 1 unless they carry their `question_id`."""
    rows = []
    for number, question in enumerate(questions, 1):
        identity = {"question_id": question.meta.get("question_id", number), "image": question.images[0]}
        rows.append({**identity, "text": question.prompt[-1].text, "label": question.meta["label"]})
    write_json_lines(path, rows)


def find_vintage(texts: Sequence[str]) -> Vintage:
    """Which COCO release a file is of.

    "old" (used by LLaVA, LLaVA-RLHF and AMP) spells vowel questions "imange" and has 2910 random questions; "new" has
    3000 and no such spelling. Numbers from the two are not comparable.
    """
    if any("imange" in text for text in texts):
        return "old"
    return "new" if len(texts) == 3000 else "other"


def _check_row(row: Any, where: str) -> dict[str, Any]:
    fields = {"question_id": int, "image": str, "text": str, "label": str}
    bad = [name for name, kind in fields.items() if not isinstance(row, dict) or not isinstance(row.get(name), kind)]
    if bad:
        raise DataError(where, expected=", ".join(fields), found=f"no usable {bad[0]!r}", fix="use an official file")
    if row["label"] not in ("yes", "no"):
        raise DataError(where, expected="label yes or no", found=f"label {row['label']!r}", fix="fix the row")
    return dict(row)


def _to_question(row: dict[str, Any], setting: str, vintage: Vintage) -> Question:
    asked = _OBJECT.search(row["text"])
    meta = {"label": row["label"], "object": asked.group(1) if asked else "", "setting": setting}
    identity = {"question_id": row["question_id"], "vintage": vintage}
    name = "-".join(filter(None, ("pope", setting, str(row["question_id"]))))
    return Question(name, (row["image"],), (Turn("user", row["text"]),), {**meta, **identity})
