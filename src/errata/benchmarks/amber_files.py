"""AMBER's released files: questions, annotations and word lists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from errata.benchmarks.amber_score import WordLists
from errata.benchmarks.official_files import Row, read_json, read_rows, require_file
from errata.benchmarks.protocol import Setup
from errata.errors import DataError
from errata.records import Fields, Question, Turn

_FIX = "`errata bench fetch amber`, or --data DIR with the official files"
_FOLDERS = ("query", "amber", "amber/query")
QUERIES = {"generative": 1004, "discriminative": 14216}
GROUPS = {
    "discriminative-hallucination": ("existence",),
    "discriminative-attribute-state": ("attribute", "state"),
    "discriminative-attribute-number": ("attribute", "number"),
    "discriminative-attribute-action": ("attribute", "action"),
    "discriminative-relation": ("relation",),
    "relation": ("relation",),
}
"""Type of a question -> the results that it belongs to."""


def read_queries(setup: Setup, part: str, truth: Mapping[int, Mapping[str, Any]]) -> list[Question]:
    """The questions of a part. Raises DataError for other versions of the file or a row without its annotation."""
    path = _require(setup.data, f"query_{part}.json")
    rows = read_rows(path, {"id": int, "image": str, "query": str}, count=(QUERIES[part],))
    return [_build_question(row, where, part, truth, setup) for where, row in rows]


def _build_question(row: Row, where: str, part: str, truth: Mapping[int, Mapping[str, Any]], setup: Setup) -> Question:
    number, fix = row["id"], "use the file as released"
    known = truth.get(number)
    if known is None or (known["type"] == "generative") != (part == "generative"):
        found = "no annotation" if known is None else f"one of type {known['type']!r}"
        raise DataError(where, expected=f"an annotation of id {number}", found=found, fix=fix)
    if part == "discriminative" and setup.mode == "strict":
        _require_known(known, where, fix)
    meta = {
        "question_id": number,
        "part": part,
        **{key: known[key] for key in ("type", "truth", "hallu") if key in known},
    }
    return Question(str(number), (row["image"],), (Turn("user", row["query"]),), meta)


def _require_known(known: Mapping[str, Any], where: str, fix: str) -> None:
    """The release takes every other type for a relation, and every other label for a no."""
    if known["type"] not in GROUPS or known["truth"] not in ("yes", "no"):
        found = f"{known['type']!r} with {known['truth']!r}"
        raise DataError(where, expected="a type of the benchmark, with yes or no", found=found, fix=fix)


def _read_annotations(path: Path) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    for where, row in read_rows(path, {}, count=(sum(QUERIES.values()),)):
        fields = Fields(row, where, "annotation", fix="use the file as released")
        key, kind, truth = fields.take("id", int), fields.take("type", str), fields.take("truth", (list, str))
        hallu = fields.take_texts("hallu", needed=kind == "generative")
        if key in found or isinstance(truth, list) != (kind == "generative"):
            found_there = f"id {key} again" if key in found else f"{type(truth).__name__} as truth of {kind!r}"
            raise DataError(fields.where, expected="one annotation an id", found=found_there, fix=fields.fix)
        found[key] = {"type": kind, "truth": truth, **({"hallu": list(hallu)} if hallu else {})}
    return found


def read_truth(data: Path | None) -> dict[int, Mapping[str, Any]]:
    """Id -> type, truth and, of descriptions, what one would imagine. Raises DataError for other versions."""
    return _read_annotations(_require(data, "annotations.json"))


def load_lists(data: Path | None) -> WordLists:
    """The word lists. Raises DataError where they are not there."""
    return _read_lists(*(_require(data, name) for name in ("relation.json", "safe_words.txt")))


def _require(data: Path | None, name: str) -> Path:
    return require_file(data, "amber", name, folders=_FOLDERS, fix=_FIX)


@lru_cache(maxsize=2)
def _read_lists(relation: Path, safe: Path) -> WordLists:
    association = read_json(relation, dict, "word lists by word")
    if not all(isinstance(words, list) for words in association.values()):
        raise DataError(str(relation), expected="a list for each word", found="something else", fix=_FIX)
    return WordLists(association, frozenset(safe.read_text(encoding="utf-8").split()))
