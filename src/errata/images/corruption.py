"""Images with most of what they show taken away: what a conditional objective holds the true image against.

All rules keep the width and height, so that a model sees as many image tokens as before. The same key gives the same
corrupted image wherever and whenever it is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Literal, get_args

import numpy as np
from PIL import Image

from errata.errors import ConfigError

CorruptionRule = Literal["crop", "noise", "black"]

CROP_AREA = (0.01, 0.2)
"""Smallest and largest share of the image that a crop keeps (the released code of arXiv 2406.11839)."""
CROP_RATIO = (3 / 4, 4 / 3)
"""Narrowest and widest crop: its share of the width by its share of the height, as that code crops square images."""
NOISE_KEPT = 0.1
"""Share of the signal's power that noise leaves, as near the end of a diffusion."""


def corrupt_image(image: Image.Image, rule: CorruptionRule, key: str) -> Image.Image:
    """The image with little of its content left.

    Args:
        image: An RGB image.
        rule: `crop` enlarges a random part of at most a fifth of its area to the whole, `noise` mixes it with Gaussian
            noise as a diffusion does, `black` leaves nothing.
        key: Decides what is random: a seed with the record's id and the image's number in it.

    Raises:
        ConfigError: Another rule.
    """
    if rule not in _RULES:
        expected = f"one of {', '.join(get_args(CorruptionRule))}"
        raise ConfigError("image_contrast", expected=expected, found=repr(rule), fix="choose one")
    return _RULES[rule](image, Random(key))


def _crop(image: Image.Image, random: Random) -> Image.Image:
    """A part of random area, shape and place, as large as the whole was."""
    share = random.uniform(*CROP_AREA)
    shape = math.exp(random.uniform(*(math.log(ratio) for ratio in CROP_RATIO)))
    width = max(1, round(image.width * math.sqrt(share * shape)))
    height = max(1, round(image.height * math.sqrt(share / shape)))
    left, top = random.randint(0, image.width - width), random.randint(0, image.height - height)
    return image.resize(image.size, Image.Resampling.BILINEAR, box=(left, top, left + width, top + height))


def _add_noise(image: Image.Image, random: Random) -> Image.Image:
    """√a·x + √(1 − a)·ε on values from −1 to 1, with a = `NOISE_KEPT` (arXiv 2006.11239, equation 4)."""
    noise = np.random.default_rng(random.getrandbits(128)).standard_normal((image.height, image.width, 3))
    signal = np.asarray(image, dtype=np.float64) / 127.5 - 1
    mixed = math.sqrt(NOISE_KEPT) * signal + math.sqrt(1 - NOISE_KEPT) * noise
    return Image.fromarray(((mixed.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8))


def _blacken(image: Image.Image, random: Random) -> Image.Image:  # noqa: ARG001 - the same call for every rule
    return Image.new("RGB", image.size)


_RULES: dict[str, Callable[[Image.Image, Random], Image.Image]] = {
    "crop": _crop,
    "noise": _add_noise,
    "black": _blacken,
}
