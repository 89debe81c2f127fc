"""Checks that run before a model is loaded."""

from __future__ import annotations

import pytest
from PIL import Image

from errata.data import check_records
from errata.records import Record, Response, Segment, Turn


def answer(text: str, level: int = 0, *segments: Segment) -> Response:
    return Response((Turn("assistant", text),), level, segments)


GOOD = (answer("A cube."), answer("A ball.", 1, Segment(2, 6, 2, 6)))


def record(name: str = "a", images=("a.png",), responses=GOOD) -> Record:
    return Record(name, images, (Turn("user", "What?"),), responses)


@pytest.fixture
def root(tmp_path):
    Image.new("RGB", (3, 3)).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"x")
    return tmp_path


def test_good_records_have_no_findings(root):
    assert (
        check_records([record(), record("b", responses=(GOOD[0], answer("A cone.", 1, Segment(2, 6, 2, 6))))], root)
        == []
    )


@pytest.mark.parametrize(
    ("records", "kinds"),
    [
        ([record(images=("broken.png",))], ["image"]),
        ([record(images=("none.png",)), record("b", images=("none.png",))], ["duplicate", "image"]),
        ([record(images=("../a.png",))], ["image"]),
        ([record(images=())], ["no-image"]),
        ([record(), record("b")], ["duplicate"]),
        ([record(responses=(answer("A cube."), answer("A  cube.", 1, Segment(1, 3, 1, 2))))], ["same-text"]),
        ([record(responses=(answer("A cube."), answer("A ball.", 1)))], ["no-segments"]),
        ([record(responses=(answer("A cube."), answer("A <image>.", 1, Segment(2, 9, 2, 6))))], ["placeholder"]),
        ([record(responses=(answer("A cube."), answer("A ball.", 1, Segment(0, 1, 0, 1))))], ["segment"]),
        (
            [record(responses=(answer("A cube."), answer("A ball.", 1, Segment(0, 6, 2, 6), Segment(2, 6, 2, 5))))],
            ["segment"],
        ),
        ([record(responses=GOOD[:1])], []),  # a single answer is there to be learned
        ([record(responses=GOOD[:1]), record("b", images=(), responses=GOOD[:1])], []),  # with an image or none
        ([record(responses=(GOOD[0], answer("A ball.")))], ["no-pair"]),
        ([record(responses=(answer("A cube."), answer("A ball.", 2, Segment(2, 6, 2, 6))))], ["levels"]),
        ([record(responses=(answer("A red cube."), answer("A big ball.", 1, Segment(6, 10, 6, 10))))], ["unexplained"]),
    ],
)
def test_each_problem_is_found_once(root, records, kinds):
    assert [finding.kind for finding in check_records(records, root)] == kinds
