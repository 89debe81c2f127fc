"""The page: template, style and script of this folder, with the records as data inside.

A record as the page's script reads it: short keys, texts already cut into pieces.

Offsets are resolved here, in code points; a browser counts in UTF-16. Characters that hide or steer are spelled out.

Image files -> small pictures as data URIs. Only images inside the root folder are read.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from errata.data.browse.pieces import Piece, cut_record
from errata.errors import DataError
from errata.images import open_image
from errata.records import IMAGE_PLACEHOLDER, SEGMENT_TYPES, Record, Response
from errata.storage import replacing
from errata.text import make_printable

if TYPE_CHECKING:
    import jinja2


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


SMALL_PX = 128
"""Images below this size are shown enlarged with hard pixel edges, as the model sees them."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture as a data URI, its size in pixels, and whether it is small."""

    uri: str
    width: int
    height: int
    small: bool


def build_thumbnail(name: str, root: Path, px: int) -> Thumbnail | None:
    """Read an image below `root` and make its longest side at most `px`; None where it does not open."""
    try:
        picture = open_image(name, root)
    except DataError:
        return None
    small = max(picture.size) < SMALL_PX
    picture.thumbnail((px, px))
    buffer = io.BytesIO()
    if small:
        picture.save(buffer, "PNG")
    else:
        picture.save(buffer, "WEBP", quality=55, method=2)
    media_type = "image/png" if small else "image/webp"
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(f"data:{media_type};base64,{data}", *picture.size, small)


FOLDER = Path(__file__).parent


def write_browse_page(
    path: str | Path,
    records: Sequence[Record],
    image_root: str | Path,
    *,
    title: str = "Records",
    px: int = 256,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> int:
    """Write records as one self-contained page, whole or not at all.

    Args:
        path: The `.html` file.
        records: What it shows, in their order.
        image_root: Where relative image paths start. An image that does not open is named in its place.
        title: Stands at the top.
        px: The longest side of a picture; each is stored once, however many records use it.
        on_progress: Called with "pictures", how many are done, and how many there are.

    Returns:
        How many pictures do not open.

    Raises:
        StorageError: The place cannot be written.
    """
    thumbnails = _build_thumbnails(records, Path(image_root), px, on_progress)
    numbers = {name: number for number, name in enumerate(thumbnails)}
    data = {
        "types": SEGMENT_TYPES,
        "images": [
            thumbnail and [thumbnail.width, thumbnail.height, thumbnail.small] for thumbnail in thumbnails.values()
        ],
        "records": [record_to_view(record, numbers) for record in records],
    }
    _write(
        Path(path),
        make_printable(title),
        data,
        [thumbnail.uri if thumbnail else None for thumbnail in thumbnails.values()],
    )
    return sum(1 for thumbnail in thumbnails.values() if thumbnail is None)


def _build_thumbnails(
    records: Sequence[Record], root: Path, px: int, on_progress: Callable[[str, int, int], None] | None
) -> dict[str, Thumbnail | None]:
    names = list(dict.fromkeys(name for record in records for name in record.images))
    thumbnails = {}
    for number, name in enumerate(names, 1):
        thumbnails[name] = build_thumbnail(name, root, px)
        if on_progress is not None:
            on_progress("pictures", number, len(names))
    return thumbnails


def _write(path: Path, title: str, data: dict[str, Any], uris: list[str | None]) -> None:
    css, script = (FOLDER.joinpath(name).read_text(encoding="utf-8") for name in ("browse.css", "browse.js"))
    chunks = build_template().generate(
        title=title,
        policy=_policy(css, script),
        css=Markup(css),
        script=Markup(script),
        data=_embed(data),
        types=SEGMENT_TYPES,
        uris=uris,
    )
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(chunks)


def build_template() -> jinja2.Template:
    """The page with its places for data, which escapes every value."""
    import jinja2

    loader = jinja2.FileSystemLoader(FOLDER)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("browse.html.jinja")


def _policy(css: str, script: str) -> str:
    """Only this style and this script take effect, pictures only from the page itself, and nothing is sent."""
    style, code = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, script))
    return (
        f"default-src 'none'; script-src 'sha256-{code}'; style-src 'sha256-{style}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _embed(data: Any) -> Markup:
    """JSON that cannot end the element it stands in: no `<`, and nothing that HTML or JavaScript reads otherwise."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
