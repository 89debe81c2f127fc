"""Image files are opened safely, and once."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image

from errata.errors import DataError
from errata.models import LlavaAdapter, ModelSettings, PixelCache, open_image
from tiny_models import build_model, build_processor, build_tokenizer, save_images


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_bad_files_are_named(tmp_path):
    name = save_images(tmp_path, 1)[0]
    data = (tmp_path / name).read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "bomb.png").write_bytes(bomb())
    (tmp_path / "program.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n")
    (tmp_path / "folder.png").mkdir()
    for bad in ("cut.png", "text.png", "bomb.png", "program.eps", "folder.png", "absent.png"):
        with pytest.raises(DataError, match=bad):
            open_image(bad, tmp_path)


def test_paths_stay_inside_the_root(tmp_path):
    (tmp_path / "root").mkdir()
    save_images(tmp_path, 1)
    save_images(tmp_path / "root", 1)
    assert open_image("image0.png", tmp_path / "root").mode == "RGB"
    assert open_image(tmp_path / "root" / "image0.png", tmp_path / "root").size == (60, 48)
    for path in ("../image0.png", str(tmp_path / "image0.png"), str(tmp_path / "rootless.png")):
        with pytest.raises(DataError, match="image root"):
            open_image(path, tmp_path / "root")
    assert open_image(tmp_path / "image0.png").size == (60, 48)


def test_orientation_and_transparency_are_resolved(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGBA", (4, 4), (1, 2, 3, 0)).save(tmp_path / "clear.png")
    assert open_image("turned.jpg", tmp_path).size == (20, 40)
    assert open_image("clear.png", tmp_path).mode == "RGB"


def test_pixels_are_cached_within_their_room(tmp_path):
    names = save_images(tmp_path, 3)
    tokenizer = build_tokenizer()
    adapter = LlavaAdapter(build_processor(tokenizer), build_model(tokenizer).config, ModelSettings("tiny"))
    cache = PixelCache(adapter, tmp_path)
    assert cache.load(names[0]) is cache.load(names[0])
    small = PixelCache(adapter, tmp_path, max_mb=0)
    first = small.load(names[0])
    small.load(names[1])
    assert small.load(names[0]) is not first
