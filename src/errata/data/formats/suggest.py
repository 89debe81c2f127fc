"""What to do with a file of no known format, by the names of its columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from errata.data.formats.vocabulary import ANSWER_PAIRS, ANSWERS, PICTURES, PROMPTS, is_beside_answers, split_words

LABELS = ("label", "labels", "is_desirable", "desirable", "kto_tag", "thumbs_up")
"""Columns that say whether the one answer of a row is good, as KTO takes it."""

_LISTS = ("responses", "completions", "answers", "outputs", "candidates", "generations")
_SCORES = ("scores", "ratings", "rewards", "ranks")


def suggest_columns(row: Mapping[str, Any]) -> str:
    """How to name the columns of a row, with those that look like a question, answers and a picture."""
    names = row.keys()
    question = _first(names, PROMPTS) or "COLUMN"
    pictures = [name for name in names if not PICTURES.isdisjoint(split_words(name))]
    image = f",image={pictures[0]}" if pictures else ""
    told = [
        name
        for name in names
        if not ANSWERS.isdisjoint(split_words(name))
        and name not in (question, *pictures)
        and not is_beside_answers(name, paired=True)
    ]
    several = [name for name in told if isinstance(row[name], (list, tuple)) and len(row[name]) > 1]
    ranked = _first(told, _LISTS) or (several[0] if len(several) == 1 else None)
    if ranked is not None:
        scores = _first(names, _SCORES)
        ratings = f",ratings={scores}" if scores else ""
        return f"name its columns: --columns prompt={question},responses={ranked}{ratings}{image} (docs/formats.md)"
    label = _first(names, LABELS)
    if len(told) == 1 and label is not None:
        return f"{explain_label(label)}; then --columns prompt={question},answer={told[0]}{image}"
    if len(told) == 1:
        return f"name its columns: --columns prompt={question},answer={told[0]}{image} (docs/formats.md)"
    better, worse = (told[0], told[1]) if len(told) > 1 else ANSWER_PAIRS[0]
    if re.sub(r"[\dabAB]$", "", better) == re.sub(r"[\dabAB]$", "", worse):  # the names do not say which is better
        better, worse = "BETTER", "WORSE"
    return (
        f"name it with --format, or its columns: --columns prompt={question},chosen={better},rejected={worse}{image} "
        "(docs/formats.md)"
    )


def explain_label(name: str) -> str:
    """What can be done with rows of one answer and a label."""
    return (
        "join the rows of one question to rows of a better and a worse answer (chosen, rejected), or keep the good "
        f"ones alone, to be learned, and say --ignore {name}"
    )


def _first(names: Collection[str], usual: Collection[str]) -> str | None:
    small = {name.lower(): name for name in names}
    return next((small[name] for name in usual if name in small), None)
