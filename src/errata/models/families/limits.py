"""How large pictures may be: `max_pixels`, `min_pixels` and `max_tiles`, and what families make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PIL import Image
from transformers.image_processing_utils import select_best_resolution

from errata.errors import DataError, ModelError
from errata.images import LIMITS, fit_pixels, require_proportions, resize_to
from errata.models.encoded import EncodedImage
from errata.models.placement import first_line
from errata.models.protocol import ModelSettings


def require_honoured(settings: ModelSettings, honoured: Sequence[str], architecture: str) -> None:
    """Raise ModelError for a limit that a family cannot keep to: it would be ignored without a word."""
    for name in LIMITS:
        if getattr(settings, name) is not None and name not in honoured:
            known = " and ".join(honoured)
            raise ModelError(
                f"model.{name}",
                expected=f"{known} for {architecture}"
                if honoured
                else f"nothing: {architecture} shows every image at one size",
                found=str(getattr(settings, name)),
                fix="leave it out",
            )


def find_most_tiles(settings: ModelSettings, side_px: tuple[int, int]) -> int | None:
    """Tiles of this size that a picture may become, the small copy of the whole not counted; None for no limit.

    Of families that enlarge every picture to whole tiles, these are the pixels that the model sees.

    Raises:
        ModelError: `max_pixels` is less than one tile.
    """
    tile = side_px[0] * side_px[1]
    if settings.max_pixels is not None and settings.max_pixels < tile:
        raise ModelError(
            "model.max_pixels",
            expected=f"at least {tile}: this model sees tiles of {side_px[0]} x {side_px[1]} pixels",
            found=str(settings.max_pixels),
            fix="raise it",
        )
    stated = [settings.max_tiles, None if settings.max_pixels is None else settings.max_pixels // tile]
    return min((number for number in stated if number is not None), default=None)


def require_grid(settings: ModelSettings, config: Any) -> None:
    """Raise ModelError where every grid of tiles (`image_grid_pinpoints`) of a LLaVA has more than `max_tiles`."""
    fewest = min(_count_tiles(grid, config) for grid in config.image_grid_pinpoints)
    if settings.max_tiles is not None and settings.max_tiles < fewest:
        expected = f"at least {fewest}, the smallest grid of this model"
        raise ModelError("model.max_tiles", expected=expected, found=str(settings.max_tiles), fix="raise it")


def limit_tiled(image: Image.Image, settings: ModelSettings, config: Any) -> Image.Image:
    """A picture that a LLaVA will cut into tiles, within all limits of the settings.

    For `max_tiles` it is made smaller until the grid that the processor and the model choose has few enough.
    """
    image = fit_pixels(image, settings.max_pixels, settings.min_pixels)
    if settings.max_tiles is None:
        return image
    grids = [tuple(grid) for grid in config.image_grid_pinpoints]
    allowed = [grid for grid in grids if _count_tiles(grid, config) <= settings.max_tiles]
    width, height = image.size
    while tuple(select_best_resolution((height, width), grids)) not in allowed:
        # Below the smallest grid that one is chosen, which is allowed.
        best_height, best_width = select_best_resolution((height, width), allowed)
        shrink = min(best_width / width, best_height / height, 0.95)
        width, height = max(1, int(width * shrink)), max(1, int(height * shrink))
    return resize_to(image, (width, height))


def _count_tiles(grid: Sequence[int], config: Any) -> int:
    side = config.vision_config.image_size
    return int((grid[0] // side) * (grid[1] // side))


def read_image(read: Callable[[Image.Image], EncodedImage], image: Image.Image) -> EncodedImage:
    """What a family's processor makes of a picture.

    Raises:
        DataError: The picture is too long or too flat, or the processor refuses it.
        ModelError: As `read`.
    """
    require_proportions(image)
    try:
        return read(image)
    except (DataError, ModelError):
        raise
    except Exception as error:  # processors raise many types on a picture that they cannot take
        raise DataError(
            "image",
            expected="an image that the model's processor takes",
            found=f"{image.width} x {image.height} pixels, of which it says: {first_line(error)}",
            fix="crop or enlarge the image, or set the row aside",
        ) from error


@contextmanager
def tokenising(what: str) -> Iterator[None]:
    """Whatever else a template or tokenizer raises on a text is a DataError of that text."""
    try:
        yield
    except (DataError, ModelError):
        raise
    except Exception as error:  # tokenizers raise many types, Rust's panics as plain Exceptions
        rule, fix = "a text that the model's tokenizer takes", "change the text, or set the row aside"
        raise DataError(what, expected=rule, found=f"it fails: {first_line(error)}", fix=fix) from error


def find_max_positions(text_config: Any) -> int | None:
    """`max_position_embeddings` of a language model's configuration, times the factor of a rotary embedding that is
    stretched beyond it; None where it does not say."""
    stated = getattr(text_config, "max_position_embeddings", None)
    if not isinstance(stated, int) or stated < 1:
        return None
    rope = getattr(text_config, "rope_parameters", None) or {}
    stretched = rope.get("rope_type") in ("linear", "dynamic", "yarn")
    trained = rope.get("original_max_position_embeddings") or stated
    return int(max(stated, trained * rope["factor"])) if stretched and rope.get("factor") else stated
