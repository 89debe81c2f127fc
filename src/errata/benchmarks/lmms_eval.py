"""Samples that lmms-eval logs, as rows that say what is asked, what is right and what was said.

Since its version 0.4 a row no longer holds the question's fields (`doc`): number or image stand with each metric, the
wording under `input`, and POPE's setting only in the file's name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from errata.benchmarks.failed_calls import find_failure
from errata.errors import DataError

_KEPT = (
    "question_id", "category", "question", "image_id", "image_source", "image", "image_path", "image_url",
    "subcategory", "set_id", "figure_id", "context", "ans1", "gpt_answer", "doc_id",
)  # fmt: skip
_NUMBERS = {"question_id", "image_id", "ans1"}
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
    """The sample with its fields beside one another. Raises DataError where a response is no text, or is several."""
    said = row.get("filtered_resps", row.get("resps"))
    while isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, str) and not (said is None or find_failure(said)):
        found = f"{len(said)} of them" if isinstance(said, list) else type(said).__name__
        raise DataError(where, expected="one response, as text", found=found, fix="log one response a question")
    document = row["doc"] if isinstance(row.get("doc"), dict) else {}
    scored = next((value for value in row.values() if isinstance(value, dict) and value.keys() & _NUMBERS), {})
    known = {"question": row.get("input"), "category": setting, "doc_id": row.get("doc_id"), **scored, **document}
    label = known.get("answer", row.get("target", ""))
    kept = {name: known[name] for name in _KEPT if name in known}
    target = row.get("target")
    told = {"label": label if isinstance(label, str) else "", "target": target if isinstance(target, str) else ""}
    return {**kept, **told, "prediction": said}
