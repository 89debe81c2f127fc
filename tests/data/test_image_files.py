"""Opening image files that strangers wrote."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from damaged_files import huge_png
from errata.errors import DataError, StorageError
from errata.images.files import decode_image, open_image, resolve_image, store_image


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "CMYK", "LA"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    (tmp_path / "a.img").write_bytes(encode(Image.new(mode, (5, 4)), kind))
    image = open_image("a.img", tmp_path)
    assert (image.mode, image.size) == ("RGB", (5, 4))


def test_a_palette_with_transparency_opens():
    image = Image.new("P", (2, 2))
    assert decode_image(encode(image, transparency=b"\x00\x80"), "x").mode == "RGB"


def test_a_picture_is_turned_as_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_image(encode(Image.new("RGB", (6, 3)), "JPEG", exif=exif), "x").size == (3, 6)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"hello", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript document"),
        (encode(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")[:-200], "truncated"),
        (encode(Image.effect_noise((64, 64), 50), "PNG")[:-2000], "truncated"),
        (huge_png(9000, 9000), "at most 80000000 pixels"),
        (huge_png(50_000, 50_000), "pixels"),
    ],
)
def test_damaged_pictures_are_named(tmp_path, data, words):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(DataError, match=words) as caught:
        open_image("a.png", tmp_path)
    assert caught.value.where == "a.png"
    with pytest.raises(DataError):
        store_image(data, tmp_path / "images", "row 3")
    assert not (tmp_path / "images").exists()


def test_paths_must_stay_inside_the_root(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    outside, inside = tmp_path / "b.png", root / "sub" / "a.png"
    for file in (outside, inside):
        file.write_bytes(encode(Image.new("RGB", (2, 2))))
    (root / "link.png").symlink_to(outside)
    (root / "folder").symlink_to(tmp_path)
    (root / "good.png").symlink_to(inside)
    (tmp_path / "alias").symlink_to(root)
    for path in ("../b.png", str(outside), "link.png", "folder/b.png", "sub/../../b.png"):
        with pytest.raises(DataError, match="inside"):
            open_image(path, root)
    for path in ("sub/a.png", "good.png", str(inside), "sub/../sub/a.png"):
        assert open_image(path, root).size == (2, 2)
    assert open_image("sub/a.png", tmp_path / "alias").size == (2, 2)
    assert open_image(outside).size == (2, 2)


@pytest.mark.parametrize("path", ["none.png", ".", "", "a\0b"])
def test_files_that_are_not_there_are_named(tmp_path, path):
    with pytest.raises(DataError):
        open_image(path, tmp_path)


def test_the_same_bytes_are_stored_once(tmp_path):
    data = encode(Image.new("RGB", (2, 2)), "JPEG")
    names = {store_image(data, tmp_path / "images", "x") for _ in range(2)}
    assert [file.name for file in (tmp_path / "images").iterdir()] == list(names)
    assert names.pop().endswith(".jpg")
    assert resolve_image("images", tmp_path).is_dir()


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        store_image(encode(Image.new("RGB", (2, 2))), tmp_path / "file", "x")
