"""Pictures whose names rows spell composed and the disk decomposed, or the other way round, through the verbs."""

from __future__ import annotations

import json
import unicodedata

import pytest
from PIL import Image

from errata.cli import main
from errata.data.shaping.pictures import find_name_keys
from errata.errors import DataError
from errata.images import open_image, resolve_image


@pytest.fixture(params=[("NFC", "NFD"), ("NFD", "NFC")], ids=["disk-composed", "disk-decomposed"])
def rows(request, tmp_path):
    on_disk, in_rows = request.param
    Image.new("RGB", (40, 30), "red").save(tmp_path / unicodedata.normalize(on_disk, "Öl é.png"))
    name = unicodedata.normalize(in_rows, "Öl é.png")
    texts = ("A red door in a white wall.", "A blue door in a white wall.")
    responses = [{"level": level, "text": text} for level, text in enumerate(texts)]
    row = {"id": "a", "images": [name], "prompt": "What is in the picture?", "responses": responses}
    (tmp_path / "records.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["stats"],
        ["dedup", "--out", "OUT"],
        ["sample", "--count", "1", "--images", "copy", "--out", "OUT"],
        ["export", "--format", "trl", "--out", "OUT"],
        ["export", "--format", "llama-factory", "--out", "OUT"],
        ["browse", "--out", "OUT"],
        ["decontaminate", "--against", "FOLDER", "--out", "OUT"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_every_verb_finds_the_picture(rows, tmp_path, command, capsys):
    places = {"OUT": str(tmp_path / "out"), "FOLDER": str(rows)}
    verb, *options = [places.get(word, word) for word in command]
    code = main(["data", verb, str(rows / "records.jsonl"), *options])
    told = "".join(capsys.readouterr())
    assert "no such file" not in told.lower(), told
    assert code == (3 if verb == "check" else 0), told
    assert verb != "check" or "1 record, 1 no-segments" in told


def test_a_form_is_no_way_out_of_the_root(tmp_path):
    (tmp_path / "root").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / unicodedata.normalize("NFD", "é.png"))
    outside = tmp_path / "root" / unicodedata.normalize("NFD", "é.png")
    outside.symlink_to(tmp_path / unicodedata.normalize("NFD", "é.png"))
    with pytest.raises(DataError, match="leads to"):
        resolve_image(unicodedata.normalize("NFC", "é.png"), tmp_path / "root")
    assert open_image(tmp_path / unicodedata.normalize("NFC", "é.png")).size == (4, 4)


def test_a_root_in_the_other_form_is_the_same_root(tmp_path):
    folder = tmp_path / unicodedata.normalize("NFD", "Größe")
    folder.mkdir()
    Image.new("RGB", (4, 4)).save(folder / "a.png")
    assert open_image("a.png", tmp_path / unicodedata.normalize("NFC", "Größe")).size == (4, 4)


def test_names_of_one_picture_are_compared_in_one_form():
    composed, decomposed = (unicodedata.normalize(form, "küche-1.png") for form in ("NFC", "NFD"))
    assert find_name_keys(composed) == find_name_keys(decomposed) == {"name küche-1"}
