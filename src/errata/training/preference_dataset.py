"""TRL's vision preference rows (`images`, `prompt`, `chosen`, `rejected`) as records, images left where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from errata.corrections import diff_segments
from errata.errors import DataError
from errata.records import IMAGE_PLACEHOLDER, Record, Response, Turn

IMAGE_COLUMNS = ("images", "image")


class PreferenceRows:
    """The rows of a `datasets.Dataset`, or a list of such dicts, as records.

    Texts are read once; an image is decoded only when it is asked for. A record's images are named `row/number`.

    Args:
        dataset: Rows with conversational `chosen` and `rejected`; `prompt` may be left out where both begin with it.

    Raises:
        DataError: A column is missing, or a row is not conversational; it begins with the row's number.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        columns = list(getattr(dataset, "column_names", None) or (dataset[0] if len(dataset) else ()))
        self._image_column = next((name for name in IMAGE_COLUMNS if name in columns), None)
        for name in ("chosen", "rejected"):
            if name not in columns:
                raise DataError(
                    "train_dataset",
                    expected="columns prompt, chosen, rejected and images",
                    found="columns " + (", ".join(columns) or "none"),
                    fix="rename the columns, or pass a list of records",
                )
        self.records = [self._convert(number, row) for number, row in enumerate(self._read_texts())]

    def open_image(self, name: str) -> Image.Image:
        """The image that a record calls `name`, as RGB."""
        row, number = (int(part) for part in name.split("/"))
        image: Any = _as_list(self._dataset[row][self._image_column])[number]
        if not isinstance(image, Image.Image):
            raise DataError(
                f"row {row}",
                expected="images as PIL images",
                found=type(image).__name__,
                fix="cast the column to datasets.Image",
            )
        return image.convert("RGB")

    def _read_texts(self) -> Any:
        if self._image_column and hasattr(self._dataset, "select_columns"):
            names = [name for name in self._dataset.column_names if name != self._image_column]
            return self._dataset.select_columns(names)
        return self._dataset

    def _count_images(self, number: int) -> int:
        if self._image_column is None:
            return 0
        if self._image_column == "image":
            return 1
        # Arrow knows the length of the list without decoding what is in it.
        if hasattr(self._dataset, "with_format"):
            column = self._dataset.with_format("arrow")[number][self._image_column]
            return len(column[0])
        return len(_as_list(self._dataset[number][self._image_column]))

    def _convert(self, number: int, row: Mapping[str, Any]) -> Record:
        where = f"row {number}"
        chosen, rejected = (_read_turns(row[name], where, name) for name in ("chosen", "rejected"))
        if row.get("prompt") is None:
            shared = _count_shared(chosen, rejected)
            prompt, chosen, rejected = chosen[:shared], chosen[shared:], rejected[shared:]
        else:
            prompt = _read_turns(row["prompt"], where, "prompt")
        images = tuple(f"{number}/{i}" for i in range(self._count_images(number)))
        try:
            return Record(str(number), images, prompt, (Response(chosen, 0), _build_worse(rejected, chosen)), source="trl")
        except DataError as error:
            raise DataError(f"{where}: {error.where}", expected=error.expected, found=error.found, fix=error.fix) from None


def _build_worse(rejected: tuple[Turn, ...], chosen: tuple[Turn, ...]) -> Response:
    """The worse response, with what a word-level comparison finds as its segments."""
    if len(rejected) == len(chosen) == 1:
        return Response(rejected, 1, diff_segments(rejected[0].text, chosen[0].text))
    return Response(rejected, 1)


def _read_turns(messages: Any, where: str, name: str) -> tuple[Turn, ...]:
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        raise DataError(
            where,
            expected=f"{name!r} as a list of messages with 'role' and 'content'",
            found=type(messages).__name__,
            fix="put texts into messages; the chat template is applied for you",
        )
    return tuple(Turn(message["role"], _join_parts(message["content"])) for message in messages)


def _join_parts(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(IMAGE_PLACEHOLDER if part["type"] == "image" else part["text"] or "" for part in content)


def _count_shared(chosen: tuple[Turn, ...], rejected: tuple[Turn, ...]) -> int:
    """Turns that both begin with, at most up to the last user turn among them."""
    shared = 0
    for one, other in zip(chosen, rejected, strict=False):
        if one != other:
            break
        shared += 1
    while shared and chosen[shared - 1].role != "user":
        shared -= 1
    return shared


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
