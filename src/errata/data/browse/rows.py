"""A record as the page's script reads it: short keys, texts already cut into pieces.

Offsets are resolved here, in code points; a browser counts in UTF-16. Characters that hide or steer are spelled out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from errata.data.pieces import Piece, cut_record
from errata.records import IMAGE_PLACEHOLDER, SEGMENT_TYPES, Record, Response
from errata.text import make_printable


def record_to_view(record: Record, images: Mapping[str, int]) -> dict[str, Any]:
    """What `browse.js` shows of a record.

    Args:
        record: The record.
        images: The number of each picture by its path.

    Returns:
        `id`, `source`, `license`, `images` as [number, path], `prompt` as [role, text], `responses`, and what is
        filtered by: `types`, `levels` (how many) and `words` (of the longest answer).
    """
    responses = [
        _view_response(response, rounds) for response, rounds in zip(record.responses, cut_record(record), strict=True)
    ]
    used = {segment.type for response in record.responses for segment in response.segments}
    return {
        "id": make_printable(record.id),
        "source": make_printable(record.source or ""),
        "license": make_printable(record.license or ""),
        "images": [[images[name], make_printable(name)] for name in record.images],
        "prompt": [[turn.role, make_printable(_strip_placeholder(turn.text))] for turn in record.prompt],
        "responses": responses,
        "types": [number for number, name in enumerate(SEGMENT_TYPES) if name in used] + ([-1] if None in used else []),
        "levels": len(set(record.levels)),
        "words": max(response["words"] for response in responses),
    }


def _strip_placeholder(text: str) -> str:
    """The text without a placeholder on a line of its own at its start: the picture stands beside it anyway.

    Its Latin letters would also turn a question in Arabic round.
    """
    return text.removeprefix(f"{IMAGE_PLACEHOLDER}\n")


def _view_response(response: Response, rounds: list[list[Piece]]) -> dict[str, Any]:
    turns, cut = [], iter(rounds)
    for turn in response.turns:
        is_answer = turn.role == "assistant"
        turns.append([turn.role, [_view_piece(p) for p in next(cut)] if is_answer else make_printable(turn.text)])
    return {
        "level": response.level,
        "model": make_printable(response.model or ""),
        "words": sum(len(text.split()) for text in response.rounds),
        "turns": turns,
    }


def _view_piece(piece: Piece) -> Any:
    """A text, or [text, whether it is right, number of its type or -1, text of the other side, segments]."""
    text = make_printable(piece.text)
    if piece.role == "same":
        return text
    number = SEGMENT_TYPES.index(piece.type) if piece.type else -1
    return [text, int(piece.role == "right"), number, make_printable(piece.other), list(piece.segments)]
