"""Samples that lmms-eval logs, as rows that say what is asked, what is right and what was said.

Since its version 0.4 a row no longer holds the question's fields (`doc`): number or image stand with each metric, the
wording under `input`, and POPE's setting only in the file's name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from errata.errors import DataError

_KEPT = ("question_id", "category", "question", "image_id", "image_source", "image", "image_path", "image_url")
_NUMBERS = {"question_id", "image_id"}
_TASK = re.compile(r"samples_(\w+)\.jsonl$")
_SETTINGS = {"pope_adv": "adversarial", "pope_pop": "popular", "pope_random": "random"}


def find_setting(path: Path) -> str:
    """The setting of which a file of samples is, by its name; empty where the name tells none."""
    task = _TASK.search(path.name)
    return _SETTINGS.get(task.group(1), "") if task else ""


def is_sample(row: dict[str, Any]) -> bool:
    """Whether a row is one of lmms-eval's."""
    return "filtered_resps" in row or "resps" in row


def flatten_sample(row: dict[str, Any], setting: str, where: str) -> dict[str, Any]:
    """The sample with its fields beside one another. Raises DataError where no response is a text."""
    said = row.get("filtered_resps", row.get("resps"))
    while isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, str):
        raise DataError(where, expected="a response as text", found=type(said).__name__, fix="fix the row")
    document = row["doc"] if isinstance(row.get("doc"), dict) else {}
    scored = next((value for value in row.values() if isinstance(value, dict) and value.keys() & _NUMBERS), {})
    known = {"question": row.get("input"), "category": setting, **scored, **document}
    label = known.get("answer", row.get("target", ""))
    kept = {name: known[name] for name in _KEPT if name in known}
    return {**kept, "label": label if isinstance(label, str) else "", "prediction": said}
