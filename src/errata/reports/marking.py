"""Text and spans -> safe HTML. Every character a model wrote passes through `escape`; offsets are not trusted.

Image files -> data URIs, so that the page stands alone. Only images inside the run folder are read.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from errata.errors import DataError
from errata.images import open_image
from errata.records import SEGMENT_TYPES

KINDS = {
    "hallucinated": "not in the image",
    "attribute": "in the image, but wrongly described",
    "true": "in the image",
}
"""What a marked span says, most serious first: where spans overlap, the more serious one is shown."""

_MARK = Markup('<mark class="{}" title="{}"><span class="unseen">{}: </span>{}</mark>')
_DELETED = Markup('<del><span class="unseen">removed: </span>{}</del>')
_INSERTED = Markup('<ins><span class="unseen">inserted: </span>{}</ins>')
_TYPE = Markup('<span class="edit-type">{}</span>')


def mark_spans(text: str, spans: Iterable[Any]) -> Markup:
    """Wrap the spans of a text in `<mark>`, with the meaning as words for those who cannot see the marking.

    Args:
        text: What the model said, as it is.
        spans: `{"start", "end", "kind", "object"}`; offsets in code points. Parts outside the text are cut off,
            unknown kinds and unusable offsets are left unmarked.
    """
    usable = [
        (kind, *found) for span in spans if (kind := _kind(span)) and (found := _clip(span, "start", "end", len(text)))
    ]
    usable.sort(key=lambda item: list(KINDS).index(item[0]))
    owner: list[int | None] = [None] * len(text)
    for number, (_, start, end) in enumerate(usable):
        for position in range(start, end):
            owner[position] = number if owner[position] is None else owner[position]
    pieces = []
    for number, positions in groupby(range(len(text)), key=lambda position: owner[position]):
        run = list(positions)
        piece = escape(text[run[0] : run[-1] + 1])
        pieces.append(piece if number is None else _mark(usable[number][0], piece))
    return Markup("").join(pieces)


def mark_edits(original: str, corrected: str, segments: Iterable[Any]) -> Markup:
    """The original with its corrections in place: removed words struck, inserted ones underlined, each with its type.

    Segments that lie outside either text or overlap an earlier one are left out.
    """
    pieces, position = [], 0
    for start, end, better_start, better_end, kind in sorted(_edits(original, corrected, segments)):
        if start < position:
            continue
        pieces += [
            escape(original[position:start]),
            _edit(original[start:end], corrected[better_start:better_end], kind),
        ]
        position = end
    return Markup("").join([*pieces, escape(original[position:])])


def _mark(kind: str, piece: Markup) -> Markup:
    return _MARK.format(kind, KINDS[kind], KINDS[kind], piece)


def _edit(removed: str, inserted: str, kind: str) -> Markup:
    parts = [_DELETED.format(removed)] if removed else []
    parts += [_INSERTED.format(inserted)] if inserted else []
    return Markup("").join([*parts, _TYPE.format(kind)] if kind else parts)


def _edits(original: str, corrected: str, segments: Iterable[Any]) -> Iterable[tuple[int, int, int, int, str]]:
    for segment in segments:
        own = _clip(segment, "start", "end", len(original), strict=True)
        better = _clip(segment, "better_start", "better_end", len(corrected), strict=True)
        if own and better and own[0] + better[0] < own[1] + better[1]:
            kind = segment.get("type")
            yield *own, *better, kind if kind in SEGMENT_TYPES else ""


def _kind(span: Any) -> str | None:
    kind = span.get("kind") if isinstance(span, dict) else None
    return kind if isinstance(kind, str) and kind in KINDS else None


def _clip(span: Any, start: str, end: str, length: int, *, strict: bool = False) -> tuple[int, int] | None:
    """The two offsets inside a text of this length, or None; `strict` accepts empty spans but cuts nothing off."""
    if not isinstance(span, dict):
        return None
    first, last = span.get(start), span.get(end)
    if type(first) is not int or type(last) is not int:
        return None
    if strict:
        return (first, last) if 0 <= first <= last <= length else None
    first, last = max(first, 0), min(last, length)
    return (first, last) if first < last else None


PIXELATED_BELOW_PX = 128
"""Images smaller than this are shown enlarged with hard pixel edges, as the model sees them."""
LARGEST_PX = 640
"""Larger photos are embedded at this size: a page of twenty should still open at once."""


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """An image as a data URI; `pixelated` says that it is small and should be enlarged without smoothing."""

    uri: str
    width: int
    height: int
    pixelated: bool


def embed_image(run_folder: Path, name: str) -> EmbeddedImage | None:
    """Embed an image of a run folder.

    Returns:
        None where there is no readable image of that name inside the folder; the page then says so in its place.
    """
    try:
        picture = open_image(name, run_folder)
    except DataError:
        return None
    picture.thumbnail((LARGEST_PX, LARGEST_PX))
    small = max(picture.size) < PIXELATED_BELOW_PX
    buffer = io.BytesIO()
    picture.save(buffer, "PNG" if small else "JPEG", optimize=True)
    uri = embed_bytes(buffer.getvalue(), "image/png" if small else "image/jpeg")
    return EmbeddedImage(uri, *picture.size, small)


def embed_bytes(data: bytes, media_type: str) -> str:
    """The data URI of a file's content."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
