"""Annotated images: COCO's files, image -> objects, and what is wrong with them."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import AnnotatedImage, read_annotations
from errata.errors import DataError

INSTANCES = {
    "images": [{"id": 42, "file_name": "COCO_val2014_000000000042.jpg"}, {"id": 7, "file_name": "b.jpg"}],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
    "annotations": [
        {"image_id": 42, "category_id": 18, "iscrowd": 0},
        {"image_id": 42, "category_id": 1, "iscrowd": 1},
        {"image_id": 42, "category_id": 18, "iscrowd": 0},
    ],
}
CAPTIONS = {"annotations": [{"image_id": 42, "caption": "A dog on a bench."}, {"image_id": 9, "caption": "Else."}]}


def test_coco_gives_objects_once_and_the_captions_beside_it(tmp_path):
    path = tmp_path / "instances_val2014.json"
    path.write_text(json.dumps(INSTANCES))
    assert read_annotations(path)[0].captions == ()
    (tmp_path / "captions_val2014.json").write_text(json.dumps(CAPTIONS))
    assert read_annotations(path) == [
        AnnotatedImage("COCO_val2014_000000000042.jpg", ("dog", "person"), ("A dog on a bench.",)),
        AnnotatedImage("b.jpg", ()),
    ]


def test_a_mapping_of_images_to_objects(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"a.jpg": ["dog"], "b.jpg": []}))
    assert read_annotations(tmp_path / "a.json") == [AnnotatedImage("a.jpg", ("dog",)), AnnotatedImage("b.jpg", ())]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (INSTANCES | {"annotations": [{"image_id": 1, "category_id": 18}]}, "no usable 1"),
        (INSTANCES | {"annotations": [{"image_id": 42, "category_id": 99}]}, "no usable 99"),
        ({name: value for name, value in INSTANCES.items() if name != "categories"}, "no usable 'categories'"),
        (INSTANCES | {"images": 3}, "COCO's instances"),
        ([], "a list; expected"),
        ({"a.jpg": "dog"}, r"a\.json: a\.jpg: .*'objects'"),
        ({}, "at least one"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        read_annotations(tmp_path / "a.json")


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match="one JSON object"):
        read_annotations(tmp_path / "a.json")
    with pytest.raises(DataError, match="one JSON object"):
        read_annotations(tmp_path / "none.json")


def test_other_captions_beside_the_instances_are_named(tmp_path):
    (tmp_path / "instances_x.json").write_text(json.dumps(INSTANCES))
    (tmp_path / "captions_x.json").write_text("[]")
    with pytest.raises(DataError, match="COCO's captions"):
        read_annotations(tmp_path / "instances_x.json")
