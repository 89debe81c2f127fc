"""Scenes as pictures. The model sees 48 × 48 pixels, one 16-pixel cell per vision patch."""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from errata.world.scenes import Scene, Thing

IMAGE_PX = 48
CELLS = 3
RGB = {
    "red": (214, 48, 49),
    "green": (46, 160, 67),
    "blue": (45, 105, 214),
    "yellow": (240, 190, 20),
    "purple": (140, 70, 190),
    "orange": (240, 120, 30),
}
BACKGROUND = (243, 240, 233)

Points = list[tuple[float, float]]


def render(scene: Scene, image_px: int = IMAGE_PX) -> Image.Image:
    """Draw a scene as an RGB square. The same scene gives the same pixels; larger sizes are for people."""
    cell_px = image_px // CELLS
    rng = np.random.default_rng(scene.seed)
    canvas = np.empty((image_px, image_px, 3), np.float32)
    canvas[:] = BACKGROUND
    for cell, colour, strength in scene.smudges:
        _blend(canvas, _smudge_mask(cell_px), cell, cell_px, (0, 0), colour, strength)
    for thing in scene.things:
        mask = _glyph_mask(thing.category, max(4, round(thing.scale * cell_px)))
        _blend(canvas, mask, thing.cell, cell_px, _shift_px(thing, cell_px), thing.colour, thing.strength)
    canvas += rng.normal(0.0, 255 * scene.noise, canvas.shape).astype(np.float32)
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))


def _shift_px(thing: Thing, cell_px: int) -> tuple[int, int]:
    return round(thing.shift[0] * cell_px), round(thing.shift[1] * cell_px)


def _blend(
    canvas: NDArray[np.float32],
    mask: NDArray[np.float32],
    cell: int,
    cell_px: int,
    shift: tuple[int, int],
    colour: str,
    strength: float,
) -> None:
    """Paint a mask into the middle of a cell, moved by `shift` pixels and kept inside the cell."""
    room = cell_px - mask.shape[0]
    left = cell % CELLS * cell_px + min(max(room // 2 + shift[0], 0), room)
    top = cell // CELLS * cell_px + min(max(room // 2 + shift[1], 0), room)
    area = canvas[top : top + mask.shape[0], left : left + mask.shape[1]]
    area += (mask * strength)[:, :, None] * (np.array(RGB[colour], np.float32) - area)


@lru_cache(maxsize=512)
def _smudge_mask(cell_px: int) -> NDArray[np.float32]:
    axis = np.linspace(-1, 1, cell_px, dtype=np.float32)
    return np.asarray(np.exp(-3 * (axis[:, None] ** 2 + axis[None, :] ** 2)), np.float32)


@lru_cache(maxsize=1024)
def _glyph_mask(category: str, size_px: int) -> NDArray[np.float32]:
    """Coverage of a glyph in a square of `size_px`, drawn eight times larger and averaged down."""
    scale = 8 * size_px
    image = Image.new("L", (scale, scale), 0)
    _GLYPHS[category](_Pen(ImageDraw.Draw(image), scale))
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BOX), np.float32) / np.float32(255)


class _Pen:
    """Draws in the unit square, origin top left."""

    def __init__(self, draw: ImageDraw.ImageDraw, scale: int) -> None:
        self.draw, self.scale = draw, scale

    def polygon(self, points: Points, ink: int = 255) -> None:
        self.draw.polygon([(x * self.scale, y * self.scale) for x, y in points], fill=ink)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, ink: int = 255) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], ink)

    def disc(self, x: float, y: float, radius: float, ink: int = 255) -> None:
        self.ellipse(x - radius, y - radius, x + radius, y + radius, ink)

    def ellipse(self, x0: float, y0: float, x1: float, y1: float, ink: int = 255) -> None:
        self.draw.ellipse([v * self.scale for v in (x0, y0, x1, y1)], fill=ink)


def _ball(pen: _Pen) -> None:
    pen.disc(0.5, 0.5, 0.46)


def _box(pen: _Pen) -> None:
    pen.rectangle(0.08, 0.08, 0.92, 0.92)


def _cone(pen: _Pen) -> None:
    pen.polygon([(0.5, 0.02), (0.95, 0.96), (0.05, 0.96)])


def _star(pen: _Pen) -> None:
    radii = (0.5, 0.2)
    pen.polygon([(0.5 + radii[i % 2] * sin(i * pi / 5), 0.52 - radii[i % 2] * cos(i * pi / 5)) for i in range(10)])


def _ring(pen: _Pen) -> None:
    pen.disc(0.5, 0.5, 0.48)
    pen.disc(0.5, 0.5, 0.26, 0)


def _cross(pen: _Pen) -> None:
    pen.rectangle(0.36, 0.03, 0.64, 0.97)
    pen.rectangle(0.03, 0.36, 0.97, 0.64)


def _heart(pen: _Pen) -> None:
    pen.disc(0.28, 0.32, 0.25)
    pen.disc(0.72, 0.32, 0.25)
    pen.polygon([(0.07, 0.44), (0.93, 0.44), (0.5, 0.98)])
    pen.rectangle(0.28, 0.3, 0.72, 0.46)


def _moon(pen: _Pen) -> None:
    pen.disc(0.46, 0.5, 0.46)
    pen.disc(0.7, 0.42, 0.36, 0)


def _tree(pen: _Pen) -> None:
    pen.polygon([(0.5, 0.0), (0.88, 0.45), (0.12, 0.45)])
    pen.polygon([(0.5, 0.25), (0.98, 0.78), (0.02, 0.78)])
    pen.rectangle(0.42, 0.76, 0.58, 1.0)


def _house(pen: _Pen) -> None:
    pen.polygon([(0.5, 0.0), (1.0, 0.45), (0.0, 0.45)])
    pen.rectangle(0.12, 0.45, 0.88, 0.98)
    pen.rectangle(0.4, 0.62, 0.6, 0.98, 0)


def _kite(pen: _Pen) -> None:
    pen.polygon([(0.5, 0.0), (0.85, 0.36), (0.5, 0.82), (0.15, 0.36)])
    pen.rectangle(0.47, 0.8, 0.53, 1.0)


def _flag(pen: _Pen) -> None:
    pen.rectangle(0.12, 0.0, 0.24, 1.0)
    pen.polygon([(0.24, 0.04), (0.96, 0.3), (0.24, 0.58)])


def _cup(pen: _Pen) -> None:
    pen.ellipse(0.5, 0.26, 0.98, 0.74)
    pen.ellipse(0.62, 0.38, 0.86, 0.62, 0)
    pen.polygon([(0.04, 0.12), (0.74, 0.12), (0.64, 0.9), (0.14, 0.9)])


def _fish(pen: _Pen) -> None:
    pen.ellipse(0.0, 0.24, 0.74, 0.76)
    pen.polygon([(0.62, 0.5), (1.0, 0.16), (1.0, 0.84)])
    pen.disc(0.18, 0.44, 0.06, 0)


def _arrow(pen: _Pen) -> None:
    pen.rectangle(0.0, 0.38, 0.6, 0.62)
    pen.polygon([(0.52, 0.1), (1.0, 0.5), (0.52, 0.9)])


def _bell(pen: _Pen) -> None:
    pen.ellipse(0.22, 0.02, 0.78, 0.7)
    pen.polygon([(0.22, 0.36), (0.78, 0.36), (0.96, 0.78), (0.04, 0.78)])
    pen.disc(0.5, 0.86, 0.12)


_GLYPHS = {
    "ball": _ball, "box": _box, "cone": _cone, "star": _star, "ring": _ring, "cross": _cross, "heart": _heart,
    "moon": _moon, "tree": _tree, "house": _house, "kite": _kite, "flag": _flag, "cup": _cup, "fish": _fish,
    "arrow": _arrow, "bell": _bell,
}  # fmt: skip
