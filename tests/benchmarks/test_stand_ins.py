"""Stand-ins for images: drawn only where nothing is, the same every time, known as such until the real image comes."""

from __future__ import annotations

import pytest
from PIL import Image

from errata.benchmarks import count_stand_ins, write_stand_ins
from errata.benchmarks.stand_ins import LIST
from errata.errors import DataError
from errata.images import open_image
from errata.records import Question, Turn

ASKED = [
    Question(name, images, (Turn("user", "What is it?"),))
    for name, images in (("a", ("x/a.jpg",)), ("b", ("b.png", "c.gif")), ("c", ("b.png",)), ("d", ()))
]


def test_absent_images_are_drawn_and_counted_by_question(tmp_path):
    assert count_stand_ins(ASKED, tmp_path) == count_stand_ins(ASKED, None) == 0
    assert write_stand_ins(ASKED, tmp_path) == ["x/a.jpg", "b.png", "c.gif"]
    assert count_stand_ins(ASKED, tmp_path) == 3
    pictures = {name: open_image(name, tmp_path).tobytes() for name in ("x/a.jpg", "b.png", "c.gif")}
    assert len(set(pictures.values())) == 3
    assert write_stand_ins(ASKED, tmp_path) == []
    assert count_stand_ins(ASKED, tmp_path) == 3, "the list still holds those of the first call"
    write_stand_ins(ASKED, tmp_path / "again")
    assert pictures["b.png"] == open_image("b.png", tmp_path / "again").tobytes()


def test_a_real_image_is_neither_drawn_over_nor_counted(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    before = (tmp_path / "b.png").read_bytes()
    assert write_stand_ins(ASKED, tmp_path) == ["x/a.jpg", "c.gif"]
    assert (tmp_path / "b.png").read_bytes() == before
    assert count_stand_ins(ASKED, tmp_path) == 2
    Image.new("RGB", (4, 4)).save(tmp_path / "x" / "a.jpg")
    assert count_stand_ins(ASKED, tmp_path) == 1, "the real image came in the place of its stand-in"


@pytest.mark.parametrize("text", ["no json", "[]", '"x"'])
def test_a_list_that_is_none_is_named(tmp_path, text):
    (tmp_path / LIST).write_text(text)
    with pytest.raises(DataError, match=r"stand-ins\.json"):
        count_stand_ins(ASKED, tmp_path)


def test_nothing_is_drawn_outside_the_folder(tmp_path):
    question = Question("a", ("../a.png",), (Turn("user", "?"),))
    with pytest.raises(DataError, match="inside"):
        write_stand_ins([question], tmp_path / "images")
    assert not (tmp_path / "a.png").exists()
