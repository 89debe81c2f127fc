"""Corrupted images: as large as before, the same for the same key, and with little left of what they showed."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from errata.errors import ConfigError
from errata.images import corrupt_image
from errata.images.corruption import CROP_AREA, CROP_RATIO, NOISE_KEPT

RULES = ("crop", "noise", "black")


def build_map(width=1000, height=600):
    """An image whose red says how far right and whose green how far down a pixel stands."""
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)
    pixels = np.stack([np.tile(across, (height, 1)), np.tile(down[:, None], (1, width)), np.zeros((height, width))], -1)
    return Image.fromarray(pixels.round().astype(np.uint8))


def measure(image):
    """The shares of width and height that a crop of the map shows."""
    pixels = np.asarray(image, dtype=float)
    return np.ptp(pixels[..., 0]) / 255, np.ptp(pixels[..., 1]) / 255


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [(60, 24), (3, 200), (1, 1)])
def test_the_size_stays_and_the_key_decides(rule, size):
    image = build_map(*size)
    before = image.tobytes()
    one, same = (corrupt_image(image, rule, "0 r1 a.png") for _ in range(2))
    assert (one.size, one.mode) == (size, "RGB")
    assert one.tobytes() == same.tobytes()
    assert image.tobytes() == before
    others = {corrupt_image(image, rule, f"{seed} r1 a.png").tobytes() for seed in range(20)}
    assert len(others) > 1 or rule == "black" or size == (1, 1)


def test_a_crop_keeps_at_most_a_fifth():
    picture = build_map()
    shares = [measure(corrupt_image(picture, "crop", str(seed))) for seed in range(200)]
    areas, ratios = [wide * high for wide, high in shares], [wide / high for wide, high in shares]
    # A step of the map is 1/255, which the smallest crops (a tenth of a side) feel.
    assert CROP_AREA[0] * 0.8 < min(areas) < 0.03
    assert 0.17 < max(areas) < CROP_AREA[1] * 1.05
    assert CROP_RATIO[0] * 0.85 < min(ratios) < max(ratios) < CROP_RATIO[1] * 1.15
    assert 0.09 < sum(areas) / len(areas) < 0.12  # uniform from 0.01 to 0.2


def test_the_crop_of_a_key_is_the_same_everywhere():
    # Recorded; another value here is another crop for every record of every run.
    assert measure(corrupt_image(build_map(), "crop", "0 r1 a.png")) == pytest.approx((0.239, 0.290), abs=0.005)


def test_noise_keeps_a_tenth_of_the_power():
    grey = Image.new("RGB", (300, 300), (160, 160, 160))
    values = np.asarray(corrupt_image(grey, "noise", "k"), dtype=float) / 127.5 - 1
    assert np.median(values) == pytest.approx(np.sqrt(NOISE_KEPT) * (160 / 127.5 - 1), abs=0.02)
    # Of a normal distribution 30.9 % lie more than half a standard deviation above the middle.
    assert (values > np.median(values) + 0.5 * np.sqrt(1 - NOISE_KEPT)).mean() == pytest.approx(0.309, abs=0.01)


def test_black_is_black():
    assert corrupt_image(build_map(), "black", "k").getextrema() == ((0, 0), (0, 0), (0, 0))


def test_another_rule_is_named():
    with pytest.raises(ConfigError, match="image_contrast: 'blur'; expected one of crop, noise, black"):
        corrupt_image(build_map(2, 2), "blur", "k")
