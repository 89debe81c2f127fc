"""Each safe repair of one row as JSON: a row in, a row out. A row of another form raises what Python says about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from errata.corrections import diff_segments

Row = dict[str, Any]
Clean = Callable[[str], str]


def remove_nul(text: str) -> str:
    """The text without NUL."""
    return text.replace("\0", "")


def to_nfc(text: str) -> str:
    """The text with letters and their marks put together where Unicode has one character for both."""
    return unicodedata.normalize("NFC", text)


def clean_texts(row: Row, clean: Clean) -> Row:
    """The row with every text of prompt and answers cleaned; segments move along, or go where no difference is left."""
    responses = row["responses"]
    return row | {
        "prompt": _clean_turns(row["prompt"], clean),
        "responses": [_clean_response(response, responses[0], clean) for response in responses],
    }


def count_levels_anew(row: Row) -> Row:
    """The row with its answers sorted best first and levels from 0 without a gap; ties stay ties."""
    levels = [response["level"] for response in row["responses"]]
    if not all(type(level) is int for level in levels):
        return row
    ranks = {level: rank for rank, level in enumerate(sorted(set(levels)))}
    responses = sorted(row["responses"], key=lambda response: ranks[response["level"]])
    return row | {"responses": [response | {"level": ranks[response["level"]]} for response in responses]}


def find_lost_segments(row: Row) -> Row:
    """The row with the segments of each answer found anew where one of them lies outside the texts."""
    best = list_rounds(row["responses"][0])
    return row | {"responses": [_find_lost(response, best) for response in row["responses"]]}


def _find_lost(response: Row, best: list[str]) -> Row:
    rounds, segments = list_rounds(response), response.get("segments", [])
    if all(_is_inside(segment, rounds, best) for segment in segments):
        return response
    types = {_span(segment): segment.get("type") for segment in segments}
    return response | {"segments": list(diff_rounds(rounds, best, types))} if response["level"] else response


def diff_rounds(rounds: list[str], best: list[str], types: Mapping[tuple[int, ...], Any]) -> Iterator[Row]:
    """The segments of a word-level difference as JSON; `types` are those to keep, by the span."""
    for number, (own, better) in enumerate(zip(rounds, best, strict=False)):
        for s in diff_segments(own, better, round=number):
            row = {"start": s.start, "end": s.end, "better_start": s.better_start, "better_end": s.better_end}
            kind = types.get((s.start, s.end, s.better_start, s.better_end, number))
            yield row | ({"type": kind} if kind else {}) | ({"round": number} if number else {})


def _span(segment: Row) -> tuple[int, ...]:
    offsets = (segment["start"], segment["end"], segment["better_start"], segment["better_end"])
    return (*offsets, segment.get("round") or 0)


def _is_inside(segment: Row, rounds: list[str], best: list[str]) -> bool:
    start, end, better_start, better_end, number = _span(segment)
    if not 0 <= number < min(len(rounds), len(best)):
        return False
    return 0 <= start <= end <= len(rounds[number]) and 0 <= better_start <= better_end <= len(best[number])


def list_rounds(response: Row) -> list[str]:
    """The texts of the assistant's turns."""
    if "text" in response:
        return [response["text"]]
    return [turn["text"] for turn in response["turns"] if turn["role"] == "assistant"]


def _clean_turns(turns: Any, clean: Clean) -> Any:
    return clean(turns) if isinstance(turns, str) else [turn | {"text": clean(turn["text"])} for turn in turns]


def _clean_response(response: Row, best: Row, clean: Clean) -> Row:
    cleaned = dict(response)
    for name in {"text", "turns"} & response.keys():
        cleaned[name] = _clean_turns(response[name], clean)
    if response.get("segments"):
        rounds, better = list_rounds(response), list_rounds(best)
        moved = [_move(segment, rounds, better, clean) for segment in response["segments"]]
        cleaned["segments"] = [segment for segment in moved if segment is not None]
    return cleaned


def _move(segment: Row, rounds: list[str], best: list[str], clean: Clean) -> Row | None:
    """The segment with offsets in the cleaned texts; None where both of its sides have become the same."""
    start, end, better_start, better_end, number = _span(segment)
    if not _is_inside(segment, rounds, best):
        return segment
    own, better = rounds[number], best[number]
    before = own[start:end], better[better_start:better_end]
    if before[0] != before[1] and clean(before[0]) == clean(before[1]):
        return None
    prefixes = {"start": own[:start], "end": own[:end]}
    prefixes |= {"better_start": better[:better_start], "better_end": better[:better_end]}
    return segment | {name: len(clean(prefix)) for name, prefix in prefixes.items()}
