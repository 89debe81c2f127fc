"""The page: template, style and script of this folder, with the records as data inside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from errata.data.browse.rows import record_to_view
from errata.data.browse.thumbnails import Thumbnail, build_thumbnail
from errata.records import SEGMENT_TYPES, Record, replacing
from errata.text import make_printable

if TYPE_CHECKING:
    import jinja2

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
