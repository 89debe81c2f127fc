"""A file is written whole or not at all, and what is no file is not replaced by one."""

from __future__ import annotations

import json
import os
import threading

import pytest

from errata.errors import DataError, StorageError
from errata.storage import remove_file, replacing, write_document, write_text
from errata.storage.lines import MOST_DEEP, parse_line


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(TypeError), replacing(path) as temporary:
        temporary.write_text(5)  # opens the file, then fails
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data" / "a.txt")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "data" / "a.txt").read_text() == "new"


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "through")
    reader.join(timeout=10)
    assert read == ["through"]
    remove_file(pipe)
    assert pipe.is_fifo()


def test_a_folder_is_no_place_for_a_file(tmp_path):
    with pytest.raises(StorageError, match="Is a directory"):
        write_text(tmp_path, "x")
    remove_file(tmp_path)
    assert tmp_path.is_dir()


def test_what_the_system_says_decides_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="choose another folder or make this one writable"):
        write_text(tmp_path / "file" / "below", "x")


@pytest.mark.parametrize(("depth", "is_read"), [(MOST_DEEP, True), (MOST_DEEP + 1, False), (900, False)])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_lines_are_nested_so_deep_and_no_deeper(depth, is_read, opening, closing):
    line = (opening * depth + "1" + closing * depth).encode()
    if is_read:
        parse_line("a.jsonl:1", line)
    else:
        with pytest.raises(DataError, match=r"a\.jsonl:1: .*more than 100 deep"):
            parse_line("a.jsonl:1", line)


def test_a_document_is_laid_out_by_fields_and_items(tmp_path):
    content = {"title": "é", "none": {}, "stage": {"items": [{"id": 1, "of": [1, 2]}, {"id": 2}], "counts": [1, 2]}}
    write_document(tmp_path / "out.json", content)
    text = (tmp_path / "out.json").read_text(encoding="utf-8")
    assert json.loads(text) == content
    assert text.splitlines()[5:7] == ['   {"id": 1, "of": [1, 2]},', '   {"id": 2}']
    assert len(text.splitlines()) == 11
