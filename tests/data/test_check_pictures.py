"""What `errata data check` says of pictures that a plain reading would show otherwise than people saw them."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from colour_profiles import build_profile
from errata.cli import main
from errata.data import check_file
from errata.data.checks.findings import NOTES


def write(folder, **pictures):
    """Records of one picture each, saved with options."""
    rows = []
    for name, (image, ending, options) in pictures.items():
        image.save(folder / f"{name}.{ending}", **options)
        answer = {"level": 0, "text": f"It is {name}."}
        rows.append({"id": name, "images": [f"{name}.{ending}"], "prompt": f"Is it {name}?", "responses": [answer]})
    path = folder / "records.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def pictures():
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "transparent": (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "png", {}),
        "deep": (Image.new("I;16", (4, 4), 40_000), "png", {}),
        "cmyk": (Image.new("CMYK", (4, 4)), "jpg", {}),
        "rotated": (Image.new("RGB", (6, 3)), "tif", {"exif": exif}),
        "profile": (Image.new("RGB", (4, 4), "green"), "png", {"icc_profile": build_profile()}),
    }


def test_every_case_is_noted_with_its_record(tmp_path, pictures):
    report = check_file(write(tmp_path, **pictures))
    assert {finding.kind: finding.id for finding in report.findings} == {name: name for name in pictures}
    assert report.counts == dict.fromkeys(NOTES, 1)


def test_notes_are_shown_and_need_no_mending(tmp_path, pictures, capsys):
    assert main(["data", "check", str(write(tmp_path, **pictures))]) == 0
    out = capsys.readouterr().out
    assert "transparent (1): pictures with transparent parts (alpha), which are shown on white" in out
    assert "records.jsonl:2 deep: deep.png: more than 8 bits a pixel (mode I;16), scaled to 8" in out


def test_an_animation_is_a_finding(tmp_path, capsys):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "green")]
    moving = {"moving": (frames[0], "gif", {"save_all": True, "append_images": frames[1:]})}
    assert main(["data", "check", str(write(tmp_path, **moving))]) == 3
    assert "moving.gif: 3 frames or pages, of which the first is shown" in capsys.readouterr().out


def test_an_opaque_alpha_and_an_upright_photo_are_nothing(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 1
    plain = {
        "opaque": (Image.new("RGBA", (4, 4), "red"), "png", {}),
        "upright": (Image.new("RGB", (4, 4), "blue"), "jpg", {"exif": exif}),
    }
    assert check_file(write(tmp_path, **plain)).findings == []


def test_a_picture_that_no_model_takes_is_a_finding(tmp_path):
    report = check_file(
        write(tmp_path, banner=(Image.new("RGB", (900, 4)), "png", {}), line=(Image.new("RGB", (800, 4)), "png", {}))
    )
    (finding,) = report.findings
    assert (finding.kind, finding.id) == ("image", "banner")
    assert "banner.png: 900 x 4 pixels; expected a longer side of at most 200 times" in finding.message
