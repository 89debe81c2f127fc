"""What an Argilla user's values say, each by its type, as one verdict.

Its spans hold no text. Its page counts UTF-16 units (its issue 5729), its Python code points, and a file does not say
who wrote it. Where the two differ, the unit counts in which more offsets fall on the edges of words, since the page
marks whole words; of two equal ones the page's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from errata.corrections import split_words
from errata.data.formats.columns import simplify
from errata.data.formats.format import ReadContext
from errata.data.formats.marks import Mark, from_utf16
from errata.data.formats.verdicts import Verdict
from errata.errors import quote

_CORRECTIONS = ("correct", "edit", "rewrit", "rewrote", "revis", "improv", "fixed")
"""How a word of the name of a question begins whose text stands for an answer."""

_CHOICES = ("which", "choice", "choose", "preferred", "preference", "better", "best", "chosen")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was shown: the answers by field, and the one that a question without a clear one is about."""

    answers: Mapping[str, str]
    main: str | None
    context: ReadContext

    def find(self, question: str) -> str:
        """The answer that a question is about: the longest field name in its own, or the main one."""
        plain = simplify(question)
        named = [name for name in self.answers if simplify(name) in plain]
        numbered = [name for name in self.answers if _number(name) and _number(name) == _number(question)]
        found = max(named, key=len) if named else numbered[0] if len(numbered) == 1 else self.main
        if found is None:
            shown = f"the question {question!r} and the texts {', '.join(self.answers) or 'none'}"[:120]
            fix = "name it: --columns response=FIELD"
            raise self.context.error("the answer that a question is about", shown, fix)
        return found

    def match(self, value: Any) -> str | None:
        """The answer that a value of a choice or a ranking names, in full or by its end (`A` for `response_a`)."""
        plain = simplify(value) if isinstance(value, str) else ""
        exact = [name for name in self.answers if simplify(name) == plain]
        ending = [name for name in self.answers if simplify(name).endswith(plain)]
        return exact[0] if exact else ending[0] if plain and len(ending) == 1 else None


def read_values(values: Mapping[str, Any], sheet: Sheet, user: str) -> Verdict:
    """What one user said. Raises DataError for values that are damaged or whose answer cannot be told."""
    levels: dict[str, float] = {}
    corrections: dict[str, str] = {}
    marks: dict[str, list[Mark]] = {}
    meta: dict[str, Any] = {"annotator": user}
    for question, value in values.items():
        ranks = _read_ranking(value, sheet)
        if _is_spans(value):
            name = sheet.find(question)
            marks.setdefault(name, []).extend(_read_spans(value, sheet.answers[name], sheet.context))
        elif ranks:
            levels |= ranks
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            levels[sheet.find(question)] = -float(value)
        elif isinstance(value, str) and _corrects(question, sheet):
            corrections[sheet.find(question)] = value
        else:
            meta[question] = value
    return Verdict(levels, corrections, marks, meta)


def _number(name: str) -> str:
    """The number or single letter that a name ends with."""
    match = re.search(r"(\d+|[\W_][a-zA-Z])$", name)
    return simplify(match.group()) if match else ""


def _corrects(question: str, sheet: Sheet) -> bool:
    if (named := sheet.context.columns.get("correction")) is not None:
        return question == named
    words = re.split(r"[\W_]+", question.lower())
    return any(word.startswith(_CORRECTIONS) for word in words) and not any(word in _CHOICES for word in words)


def _is_spans(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "start" in one for one in value)


def _read_ranking(value: Any, sheet: Sheet) -> dict[str, float]:
    """Levels from a list of answers, best first, from `[{"value", "rank"}]`, or from the name of the best one."""
    if isinstance(value, str):
        best = sheet.match(value)
        return {} if best is None else {name: float(name != best) for name in sheet.answers}
    if not isinstance(value, list) or len(value) < 2:
        return {}
    ranked = [(one.get("value"), one.get("rank")) if isinstance(one, Mapping) else (one, None) for one in value]
    names = [sheet.match(one) for one, _ in ranked]
    if None in names or len(set(names)) < len(names):
        return {}
    ranks = [rank for _, rank in ranked]
    return {name: _read_rank(ranks[place], place, sheet) for place, name in enumerate(names) if name}


def _read_rank(rank: Any, place: int, sheet: Sheet) -> float:
    if rank is None:
        return float(place)
    if isinstance(rank, bool) or not isinstance(rank, (int, float)):
        raise sheet.context.error("a rank as a number", quote(rank))
    return float(rank)


def _read_spans(spans: Sequence[Mapping[str, Any]], text: str, context: ReadContext) -> list[Mark]:
    offsets: list[tuple[Any, Any]] = [(one.get("start"), one.get("end")) for one in spans]
    for pair in offsets:
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in pair):
            raise context.error("spans with 'start' and 'end' as numbers", quote(pair))
    places = _choose_unit(offsets, text)
    marks = []
    for span, (start, end), raw in zip(spans, places, offsets, strict=True):
        if start is None or end is None or start > end:
            raise context.error(f"spans inside the answer of {len(text)} characters", f"{raw[0]}:{raw[1]}")
        label = span.get("label")
        marks.append(Mark(start, end, label if isinstance(label, str) else None))
    return marks


def _choose_unit(offsets: Sequence[tuple[int, int]], text: str) -> list[tuple[int | None, int | None]]:
    """The spans in code points, None where a place is not in the text; see the module's docstring."""
    edges = {edge for word in split_words(text) for edge in word}
    page = [(from_utf16(text, start), from_utf16(text, end)) for start, end in offsets]
    python = [(_inside(start, text), _inside(end, text)) for start, end in offsets]
    return page if _score(page, edges) >= _score(python, edges) else python


def _inside(offset: int, text: str) -> int | None:
    return offset if 0 <= offset <= len(text) else None


def _score(spans: Sequence[tuple[int | None, int | None]], edges: set[int]) -> int:
    """How many ends fall on edges of words; one outside the text weighs more than all of them."""
    ends = [end for span in spans for end in span]
    return sum(end in edges for end in ends) - (len(ends) + 1) * ends.count(None)
