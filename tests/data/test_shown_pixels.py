"""What a model is shown is what people saw: every kind of picture file, bytes, Pillow image and array."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from colour_profiles import build_profile
from errata.data import export_records, load_records, records_from_trl
from errata.errors import DataError
from errata.images import decode_image, show_file, show_object
from errata.images.files import encode_plainly, store_image
from errata.records import Record, Response, Turn

LEVELS = np.tile(np.arange(256, dtype=np.uint16), (4, 1))
RAMP = LEVELS * 257
UPRIGHT = Image.fromarray(
    np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]], [[0, 0, 0]] * 2], np.uint8)
)
INK = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
INK.putpixel((1, 1), (0, 0, 0, 255))
INK.putpixel((2, 2), (200, 0, 0, 128))


def encode(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def reopen(data):
    return Image.open(io.BytesIO(data))


def tiff16(values, bits=16, white_is_zero=False):
    """A grey TIFF of 16-bit words, by hand: Pillow writes no other photometry, and no 12 bits."""
    height, width = values.shape
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 0 if white_is_zero else 1), (273, 8)]
    tags += [(277, 1), (278, height), (279, values.size * 2)]
    data = values.astype("<u2").tobytes()
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


DEEP = {
    "PNG I;16": encode(Image.fromarray(RAMP)),
    "TIFF I;16": encode(Image.fromarray(RAMP), "TIFF"),
    "TIFF I;16B": encode(Image.frombytes("I;16B", (256, 4), RAMP.astype(">u2").tobytes()), "TIFF"),
    "TIFF white is zero": tiff16(65535 - RAMP, white_is_zero=True),
    "TIFF I of 16 bits": encode(Image.fromarray(RAMP.astype(np.int32)), "TIFF"),
    "TIFF I of 8 bits": encode(Image.fromarray(LEVELS.astype(np.int32)), "TIFF"),
    "TIFF F to 1": encode(Image.fromarray((LEVELS / 255).astype(np.float32)), "TIFF"),
    "TIFF F to 255": encode(Image.fromarray(LEVELS.astype(np.float32)), "TIFF"),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_pictures_keep_their_greys(kind):
    shown = np.asarray(decode_image(DEEP[kind], "x"))
    assert (shown == LEVELS[..., None]).all()


@pytest.mark.parametrize("kind", DEEP)
def test_deep_objects_are_shown_as_their_files(kind):
    assert (np.asarray(show_object(reopen(DEEP[kind]), "x")) == LEVELS[..., None]).all()


@pytest.mark.parametrize(
    "values",
    [np.full((4, 4), 1e6, np.float32), np.full((4, 4), -0.7, np.float32), np.full((4, 4), np.nan, np.float32)],
)
def test_numbers_that_are_no_brightness_are_refused(values):
    with pytest.raises(DataError, match=r"x: float32 numbers from .*0 to 1 or 0 to 255"):
        decode_image(encode(Image.fromarray(values), "TIFF"), "x")


def test_integers_beyond_16_bits_are_refused():
    with pytest.raises(DataError, match="int32 numbers from 0 to 70000"):
        show_object(Image.fromarray(np.array([[0, 70_000]], np.int32)), "x")


CLEAR = {
    "RGBA": INK,
    "LA": INK.convert("LA"),
    "PA": INK.quantize().convert("PA"),
    "RGBa": INK.convert("RGBa"),
    "La": INK.convert("LA").convert("La"),
    "palette PNG": reopen(encode(INK.quantize())),
    "WebP": reopen(encode(INK, "WEBP", lossless=True)),
    "TIFF": reopen(encode(INK, "TIFF")),
    "palette GIF": reopen(encode(Image.new("P", (4, 4)), "GIF", transparency=0)),
    "grey PNG": reopen(encode(Image.new("L", (4, 4)), transparency=0)),
    "RGB PNG": reopen(encode(Image.new("RGB", (4, 4)), transparency=(0, 0, 0))),
    "1-bit PNG": reopen(encode(Image.new("1", (4, 4)), transparency=0)),
    "16-bit PNG": reopen(encode(Image.fromarray(np.zeros((4, 4), np.uint16)), transparency=0)),
}


@pytest.mark.parametrize("kind", CLEAR)
def test_transparent_parts_are_white(kind):
    assert show_object(CLEAR[kind], "x").getpixel((0, 0)) == (255, 255, 255)


def test_ink_is_seen_on_white():
    shown = decode_image(encode(INK), "x")
    assert shown.getpixel((1, 1)) == (0, 0, 0)
    assert shown.getpixel((2, 2)) == (227, 127, 127)  # half of it


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_files_bytes_and_objects_are_turned_alike(tmp_path, kind, orientation):
    large = UPRIGHT.resize((32, 48), Image.Resampling.NEAREST)
    stored = {6: 90, 3: 180, 8: 270}.get(orientation)
    if stored is not None:
        stored = large.rotate(stored, expand=True)
    else:
        flips = {1: None, 2: 0, 4: 1, 5: 5, 7: 6}  # Pillow's numbers of transpositions, each its own inverse
        stored = large if flips[orientation] is None else large.transpose(flips[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, kind, exif=exif, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    (tmp_path / "a.img").write_bytes(data)
    shown = show_file("a.img", tmp_path)
    for image in (shown.image, decode_image(data, "x"), show_object(reopen(data), "x")):
        difference = np.asarray(image, int) - np.asarray(large, int)
        assert np.abs(difference).mean() < 8
    assert ("rotated" in shown.traits) == (orientation != 1)
    assert show_object(shown.image, "x").tobytes() == shown.image.tobytes()  # not turned twice


@pytest.mark.parametrize("model", ["adobe", "plain"])
def test_cmyk_is_shown_as_rgb(model):
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = encode(red, "JPEG", quality=95) if model == "adobe" else encode(red, "TIFF")
    shown = show_object(reopen(data), "x").getpixel((8, 8))
    assert shown[0] > 240
    assert max(shown[1:]) < 15


def test_a_wide_gamut_is_shown_as_srgb():
    picture = Image.new("RGB", (8, 8), (200, 100, 50))
    shown = decode_image(encode(picture, icc_profile=build_profile()), "x").getpixel((0, 0))
    assert shown[0] - 200 > 15  # sRGB needs more red for the same colour
    assert shown == decode_image(encode(picture, "TIFF", icc_profile=build_profile()), "x").getpixel((0, 0))


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("profile", [SRGB, b"no profile", build_profile()[:300]])
def test_other_profiles_leave_colours_alone(profile):
    picture = Image.new("RGB", (8, 8), (200, 100, 50))
    assert decode_image(encode(picture, icc_profile=profile), "x").getpixel((0, 0)) == (200, 100, 50)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_shown(tmp_path, kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    (tmp_path / "a.img").write_bytes(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
    shown = show_file("a.img", tmp_path)
    assert shown.image.getpixel((0, 0))[0] > 250
    assert shown.traits["animated"].startswith("2 frames")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"  <svg/>", "an SVG drawing"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"", "an empty file"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, head, kind):
    (tmp_path / "a.jpg").write_bytes(head)
    with pytest.raises(DataError, match=f"a.jpg: {kind}"):
        show_file("a.jpg", tmp_path)
    with pytest.raises(DataError, match=kind):
        store_image(head, tmp_path / "images", "row 1")


COLOURS = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3) * 2


@pytest.mark.parametrize(
    "pixels",
    [
        COLOURS,
        np.moveaxis(COLOURS, 2, 0),
        COLOURS / 255,
        (COLOURS / 255).astype(np.float16),
        COLOURS.astype(np.int64),
        COLOURS.astype(np.uint16) * 257,
        torch.from_numpy(COLOURS),
        torch.from_numpy(COLOURS).permute(2, 0, 1),
        (torch.from_numpy(COLOURS).permute(2, 0, 1) / 255).requires_grad_(),
        np.dstack([COLOURS, np.full((5, 6), 255, np.uint8)]),
    ],
)
def test_arrays_and_tensors_are_pictures(pixels):
    assert np.abs(np.asarray(show_object(pixels, "x"), int) - COLOURS).max() <= 1  # float16 rounds


@pytest.mark.parametrize("shape", [(2, 3, 4, 6), (4,), (5, 6, 7), (0, 5)])
def test_arrays_of_other_shapes_are_refused(shape):
    with pytest.raises(DataError, match="x: an array of shape"):
        show_object(np.zeros(shape, np.uint8), "x")


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(DataError, match="0 x 5 pixels"):
        show_object(Image.new("RGB", (0, 5)), "x")


def test_rows_of_a_program_keep_what_people_saw(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    pictures = [reopen(encode(UPRIGHT, exif=turned)), INK, Image.fromarray(RAMP), {"bytes": DEEP["PNG I;16"]}, COLOURS]
    rows = [{"images": [p], "prompt": "What?", "chosen": f"A{i}.", "rejected": "B."} for i, p in enumerate(pictures)]
    records = records_from_trl(rows, tmp_path)
    shown = [show_file(record.images[0], tmp_path).image for record in records]
    assert shown[0].size == (3, 2)
    assert shown[1].getpixel((0, 0)) == (255, 255, 255)
    assert (np.asarray(shown[2]) == LEVELS[..., None]).all()
    assert (np.asarray(shown[3]) == LEVELS[..., None]).all()
    assert (np.asarray(shown[4]) == COLOURS).all()


def test_an_export_shows_other_tools_what_people_saw(tmp_path):
    (tmp_path / "deep.png").write_bytes(DEEP["PNG I;16"])
    (tmp_path / "ink.png").write_bytes(encode(INK))
    (tmp_path / "plain.png").write_bytes(encode(UPRIGHT))
    answers = (Response((Turn("assistant", "Yes."),), 0), Response((Turn("assistant", "No."),), 1))
    images = ("deep.png", "ink.png", "plain.png")
    record = Record("a", images, (Turn("user", "Which?"),), answers)
    export_records([record], tmp_path, tmp_path / "out" / "train.json", format="llama-factory")
    deep, ink, plain = (tmp_path / "out" / f"{name}" for name in ("deep.png.png", "ink.png.png", "plain.png"))
    assert (np.asarray(Image.open(deep).convert("RGB")) == LEVELS[..., None]).all()
    assert Image.open(ink).convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert plain.read_bytes() == (tmp_path / "plain.png").read_bytes()
    export_records([record], tmp_path, tmp_path / "own" / "records.jsonl", format="errata")
    assert (tmp_path / "own" / "deep.png").read_bytes() == DEEP["PNG I;16"]
    assert load_records(tmp_path / "own" / "records.jsonl").records[0].images == images


def test_a_file_that_reads_plainly_is_left_alone():
    for data in (encode(UPRIGHT), encode(UPRIGHT, "JPEG"), encode(UPRIGHT.quantize()), encode(UPRIGHT.convert("RGBA"))):
        assert encode_plainly(data, "x") is data
