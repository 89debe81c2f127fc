"""TRL's conversational vision preference rows: `images` (or `image`), `prompt`, `chosen`, `rejected`.

Rows come from a `datasets.Dataset`, a list of dicts or a parquet file; pictures are PIL images, bytes, paths or
`{"bytes", "path"}`. Contents are texts or lists of `{"type": "image"}` and `{"type": "text", "text"}` parts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from errata.corrections import diff_segments
from errata.data.images import open_image, store_image
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, BadRow, Record, Response, Turn


def is_trl(columns: Iterable[str]) -> bool:
    """Whether rows with these columns have TRL's form of a vision preference."""
    columns = set(columns)
    return {"chosen", "rejected"} <= columns and bool({"image", "images"} & columns)


def records_from_trl(
    dataset: Iterable[Mapping[str, Any]],
    image_dir: str | Path,
    *,
    on_bad: Callable[[BadRow], None] | None = None,
) -> list[Record]:
    """Convert rows to records whose pictures lie in `image_dir` under their content's hash.

    Args:
        dataset: The rows, read once.
        image_dir: Where pictures are written; records name them relative to this folder.
        on_bad: Called with every row that cannot be used, which is then left out; without it the first one raises.
    """
    records = []
    for number, row in enumerate(dataset, 1):
        try:
            records.append(record_from_trl(row, f"row {number}", image_dir))
        except DataError as error:
            if on_bad is None:
                error.can_skip = True
                raise
            on_bad(BadRow(f"row {number}", str(error), ""))
    return records


def record_from_trl(row: Mapping[str, Any], where: str, image_dir: str | Path, *, embedded: bool = False) -> Record:
    """One row as a record; a prompt that is not given is the part that both answers begin with.

    Args:
        row: The row.
        where: Begins every error.
        image_dir: Where pictures are written.
        embedded: Take pictures from the row alone: a file that a stranger wrote must not name files of this machine.
    """
    chosen, rejected = (_read_turns(row.get(name), where, name) for name in ("chosen", "rejected"))
    if row.get("prompt") is None:
        shared = _count_shared(chosen, rejected)
        prompt, chosen, rejected = chosen[:shared], chosen[shared:], rejected[shared:]
    else:
        prompt = _read_turns(row["prompt"], where, "prompt")
    pictures = row.get("images") if row.get("images") is not None else row.get("image")
    pictures = [] if pictures is None else pictures if isinstance(pictures, (list, tuple)) else [pictures]
    names = [store_image(_read_picture(picture, where, embedded), image_dir, where) for picture in pictures]
    segments = diff_segments(rejected[0].text, chosen[0].text) if len(chosen) == len(rejected) == 1 else ()
    try:
        return Record(
            id=str(row.get("id") or where),
            images=tuple(names),
            prompt=prompt,
            responses=(Response(chosen, 0), Response(rejected, 1, segments)),
            source="trl",
        )
    except DataError as error:
        raise DataError(f"{where}: {error.where}", expected=error.expected, found=error.found, fix=error.fix) from None


def record_to_trl(record: Record, image_root: str | Path) -> list[dict[str, Any]]:
    """TRL's rows of a record, one for each response below level 0; pictures as PIL images, segments are dropped."""
    images = [open_image(image, image_root) for image in record.images]
    prompt = [_to_message(turn) for turn in record.prompt]
    if not any(IMAGE_PLACEHOLDER in turn.text for turn in record.prompt):
        first = next(message for message in prompt if message["role"] == "user")
        first["content"] = [{"type": "image", "text": None}] * len(images) + first["content"]
    chosen, *others = record.responses
    return [
        {
            "images": images,
            "prompt": prompt,
            "chosen": [_to_message(turn) for turn in chosen.turns],
            "rejected": [_to_message(turn) for turn in response.turns],
        }
        for response in others
        if response.level > 0
    ]


def _to_message(turn: Turn) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for number, text in enumerate(turn.text.split(IMAGE_PLACEHOLDER)):
        parts += [{"type": "image", "text": None}] if number else []
        parts += [{"type": "text", "text": text}] if text else []
    return {"role": turn.role, "content": parts}


def _read_turns(messages: Any, where: str, name: str) -> tuple[Turn, ...]:
    if not isinstance(messages, (list, tuple)) or not all(isinstance(message, Mapping) for message in messages):
        found = f"{name!r} is {type(messages).__name__}"
        raise DataError(
            where, expected="messages as a list of {role, content}", found=found, fix="use the conversational form"
        )
    try:
        return tuple(Turn(message["role"], _join_parts(message["content"])) for message in messages)
    except (KeyError, TypeError):
        raise DataError(
            where, expected="messages with role and content", found=f"another form in {name!r}", fix="fix the row"
        ) from None


def _join_parts(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(IMAGE_PLACEHOLDER if part["type"] == "image" else str(part["text"]) for part in content)


def _count_shared(chosen: tuple[Turn, ...], rejected: tuple[Turn, ...]) -> int:
    """Turns that both begin with, up to the last user turn among them."""
    same = 0
    while same < min(len(chosen), len(rejected)) and chosen[same] == rejected[same]:
        same += 1
    while same and chosen[same - 1].role != "user":
        same -= 1
    return same


def _read_picture(picture: Any, where: str, embedded: bool) -> bytes:
    """The file's bytes; a PIL image without a file behind it is written as PNG, which loses nothing."""
    if isinstance(picture, Mapping):
        picture = picture.get("bytes") or picture.get("path")
    if isinstance(picture, bytes):
        return picture
    if embedded:
        fix = "write the file with its images embedded"
        raise DataError(where, expected="the image's bytes in the row", found=f"{picture!r}"[:80], fix=fix)
    if isinstance(picture, (str, Path)):
        try:
            return Path(picture).read_bytes()
        except OSError as error:
            raise DataError(
                f"{where}: {picture}", expected="a readable image", found=str(error.strerror), fix="check the path"
            ) from None
    if isinstance(picture, Image.Image):
        stream = io.BytesIO()
        picture.convert("RGB").save(stream, "PNG", compress_level=1)
        return stream.getvalue()
    found = type(picture).__name__
    raise DataError(where, expected="a PIL image, bytes or a path", found=found, fix="cast the column to Image")
