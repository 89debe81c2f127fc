"""Names that differ in their Unicode form alone name one file."""

from __future__ import annotations

import unicodedata

import pytest

from errata.storage import find_file

NAME = "Café à Zürich.png"


def form(kind, text):
    return unicodedata.normalize(kind, text)


@pytest.mark.parametrize(("on_disk", "asked"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC"), ("NFD", "NFD")])
def test_a_file_is_found_in_either_form(tmp_path, on_disk, asked):
    folder = tmp_path / form(on_disk, "été")
    folder.mkdir()
    (folder / form(on_disk, NAME)).write_text("x")
    assert find_file(tmp_path / form(asked, "été") / form(asked, NAME)).read_text() == "x"


def test_folder_and_file_may_have_different_forms(tmp_path):
    (tmp_path / form("NFD", "é")).mkdir()
    (tmp_path / form("NFD", "é") / form("NFC", NAME)).write_text("x")
    assert find_file(tmp_path / form("NFC", "é") / form("NFD", NAME)).read_text() == "x"


def test_the_name_as_given_goes_first(tmp_path):
    for kind in ("NFC", "NFD"):
        (tmp_path / form(kind, NAME)).write_text(kind)
    assert find_file(tmp_path / form("NFD", NAME)).read_text() == "NFD"


@pytest.mark.parametrize("name", ["missing.png", "fehlt-ü.png", "ü" * 300, "ordner-ü/datei.png"])
def test_what_is_not_there_is_given_back(tmp_path, name):
    assert find_file(tmp_path / name) == tmp_path / name
