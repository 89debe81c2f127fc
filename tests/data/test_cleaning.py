"""Duplicates and benchmark pictures: what is found, what is not, and what the reports say."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from annotated_photos import photo_records
from errata.data import import_records, load_records
from errata.data.shaping import (
    find_records,
    load_evaluation_images,
    merge_records,
    write_decontaminated,
    write_distinct,
)
from errata.data.shaping.pictures import COCO_VAL2014, find_name_keys, hash_look, list_name_keys
from errata.errors import ConfigError, DataError
from errata.records import Response, Turn, read_records, write_records
from errata.storage import read_json_lines
from shaped import build, draw_noise, write_folder


def rows(path: Path) -> list[dict]:
    return [row for _, row in read_json_lines(path)]


def ids(folder) -> list[str]:
    return [record.id for record in read_records(folder.records)]


def test_duplicates_agree_in_picture_and_text(tmp_path):
    louder = (Response((Turn("assistant", "a  CAT\nsleeps."),), 0), Response((Turn("assistant", "A dog sleeps."),), 1))
    records = [
        build("first", ["a.png"]),
        build("again", ["a-copy.png"]),
        build("louder", ["a.png"], responses=louder, prompt=(Turn("user", "<image>\nWHAT is it?"),)),
        build("other picture", ["b.png"]),
        build("other answer", ["a.png"], levels=(0, 1, 2)),
        build("other levels", ["a.png"], levels=(0, 0)),
        build("no picture"),
    ]
    source = find_records(write_folder(tmp_path / "in", records))
    result = write_distinct(source, tmp_path / "out")
    assert ids(result.folder) == ["first", "other picture", "other answer", "other levels", "no picture"]
    assert rows(result.report) == [
        {"id": name, "same": ["image", "text"], "kept": "first"} for name in ("again", "louder")
    ]
    assert (result.removed, result.kept) == (2, {"first"})
    assert ids(write_distinct(source, tmp_path / "prompts", ["prompt"]).folder) == ["first"]
    by_image = write_distinct(source, tmp_path / "images", ["image"])
    assert ids(by_image.folder) == ["first", "other picture", "no picture"]


def test_duplicates_may_look_alike(tmp_path):
    folder = write_folder(tmp_path / "in", [build(f"{i}", [f"{i}.jpg", "b.png"]) for i in range(4)])
    for i, (seed, size, quality) in enumerate([(7, 256, 95), (7, 128, 40), (8, 256, 95), (7, 256, 95)]):
        draw_noise(seed, size).save(folder / f"{i}.jpg", quality=quality)
    (folder / "3.jpg").write_bytes((folder / "0.jpg").read_bytes())
    result = write_distinct(find_records(folder), tmp_path / "out", ["look"])
    assert ids(result.folder) == ["0", "2"]
    first, second = rows(result.report)
    assert (first["id"], second["id"], second["bits_apart"]) == ("1", "3", 0)
    assert first["bits_apart"] <= 10


def test_a_record_that_cannot_be_written_does_not_stand_for_others(tmp_path):
    source = find_records(write_folder(tmp_path / "in", [build("a", ["gone.png"]), build("b", ["a.png"])]))
    bad = []
    result = write_distinct(source, tmp_path / "out", ["text"], on_bad=bad.append)
    assert (ids(result.folder), len(bad), result.removed) == (["b"], 1, 0)


@pytest.mark.parametrize("same", [[], ["colour"], ["image", ""]])
def test_what_cannot_be_compared_is_refused(tmp_path, same):
    with pytest.raises(ConfigError, match="image, look, prompt, text"):
        write_distinct(find_records(write_folder(tmp_path / "in", [build("a")])), tmp_path / "out", same)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("COCO_val2014_000000310196.jpg", {"coco 310196", COCO_VAL2014}),
        ("images/000000310196.png", {"coco 310196"}),
        ("imgs/multimodal_0222_qa__000000310196.jpg", {"coco 310196"}),
        ("http://images.org/val2014/000000310196.jpg?size=2", {"coco 310196", COCO_VAL2014}),
        ("df62a56fdc1bb12b", {"open images df62a56fdc1bb12b"}),
        ("images/AMBER_17.jpg", {"name amber_17"}),
        ("2356011.jpg", {"name 2356011"}),
        ("images/001.jpg", set()),
        ("images/0123456789012345678901234567abcd.jpg", {"name 0123456789012345678901234567abcd"}),
        ("123456789012.jpg", {"name 123456789012"}),
    ],
)
def test_what_a_name_says(name, keys):
    assert find_name_keys(name) == keys


def test_what_a_row_names():
    assert list_name_keys({"image_id": 310196, "id": 3, "text": "000000000009"}) == {"coco 310196"}
    assert list_name_keys({"image_id": "310196", "image": {"path": "x/AMBER_1.jpg"}}) == {"coco 310196", "name amber_1"}
    assert list_name_keys({"image": "310196", "image_content": ["Fire hydrant"]}) == {"name 310196"}


def test_the_look_hardly_changes_when_a_picture_is_saved_again():
    picture = draw_noise(3, 200)
    buffer = io.BytesIO()
    picture.resize((90, 90)).save(buffer, "JPEG", quality=30)
    near = (hash_look(picture) ^ hash_look(Image.open(buffer))).bit_count()
    far = min((hash_look(picture) ^ hash_look(draw_noise(seed, 200))).bit_count() for seed in range(4, 24))
    assert near <= 10 < far
    assert hash_look(picture).bit_length() <= 128


@pytest.fixture
def evaluation(tmp_path):
    """Official files as they lie in a data folder: names for POPE, pictures for AMBER, both in a row for HalBench."""
    root = tmp_path / "evaluation"
    for name in ("pope", "amber/images", "amber/query", "object_halbench"):
        (root / name).mkdir(parents=True)
    row = {"question_id": 1, "image": "COCO_val2014_000000310196.jpg", "text": "Is there a cat?", "label": "no"}
    (root / "pope" / "coco_pope_random.json").write_text(json.dumps(row) + "\n")
    (root / "amber" / "query" / "all.json").write_text(json.dumps([{"id": 1, "image": "AMBER_1.jpg"}], indent=1))
    draw_noise(50).save(root / "amber" / "images" / "AMBER_1.png")
    buffer = io.BytesIO()
    draw_noise(60, 128).save(buffer, "JPEG")
    row = {"image_id": 42, "image": base64.b64encode(buffer.getvalue()).decode(), "question": "Describe."}
    (root / "object_halbench" / "with_image.jsonl").write_text(json.dumps(row))
    return root


def test_benchmark_pictures_are_found_by_name_bytes_and_look(tmp_path, evaluation):
    records = [
        build("clean", ["b.png"], meta={"image_path": "coco/000000000007.jpg"}),
        build("named", ["000000310196.png"]),
        build("named in meta", ["b.png"], meta={"image_path": "train/COCO_val2014_000000310196.jpg"}),
        build("same bytes", ["copied.png"]),
        build("looks alike", ["b.png", "small.jpg"]),
        build("numbered", ["b.png"], meta={"image_id": 42}),
    ]
    folder = write_folder(tmp_path / "in", records)
    draw_noise(70).save(folder / "000000310196.png")
    (folder / "copied.png").write_bytes((evaluation / "amber" / "images" / "AMBER_1.png").read_bytes())
    draw_noise(60, 70).save(folder / "small.jpg", quality=60)
    known = load_evaluation_images(["pope", "amber", "object-halbench"], evaluation)
    assert {name: (len(keys), known.pictures[name]) for name, keys in known.names.items()} == {
        "pope": (1, 0),
        "amber": (1, 1),
        "object_halbench": (1, 1),
    }
    result = write_decontaminated(find_records(folder), tmp_path / "out", known)
    assert ids(result.folder) == ["clean"]
    told = {row["id"]: (row["benchmark"], row["reason"], row["matched"]) for row in rows(result.report)}
    assert told == {
        "named": ("pope", "name", "coco 310196"),
        "named in meta": ("pope", "name", "coco 310196"),
        "same bytes": ("amber", "bytes", "AMBER_1.png"),
        "looks alike": ("object_halbench", "look", "coco 42"),
        "numbered": ("object_halbench", "name", "coco 42"),
    }
    assert result.removed[("pope", "name")] == 2
    assert not (tmp_path / "out" / "small.jpg").exists()
    without = write_decontaminated(find_records(folder), tmp_path / "names", known, images="none")
    assert ids(without.folder) == ["clean", "same bytes", "looks alike"]


def test_an_import_remembers_what_pictures_were_called_through_other_verbs(tmp_path, evaluation):
    folder = write_folder(tmp_path / "in", [])
    names = ("coco/train2014/COCO_val2014_000000310196.jpg", "000000000011.jpg")
    (folder / "coco" / "train2014").mkdir(parents=True)
    for seed, name in enumerate(names):
        draw_noise(80 + seed).save(folder / name)
    talk = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}]
    lines = [json.dumps({"id": str(i), "image": name, "conversations": talk}) for i, name in enumerate(names)]
    (folder / "talk.jsonl").write_text("\n".join(lines))
    import_records(folder / "talk.jsonl", tmp_path / "data")
    merged = merge_records([find_records(tmp_path / "data")], tmp_path / "merged")
    assert all(name not in merged.folder.records.read_text() for name in names)
    known = load_evaluation_images(["pope"], evaluation)
    for place in ("data", "merged"):
        result = write_decontaminated(find_records(tmp_path / place), tmp_path / f"clean {place}", known)
        (told,) = rows(result.report)
        assert (told["id"], told["reason"], told["matched"]) == ("0", "name", "coco 310196")
    assert import_records(tmp_path / "merged", tmp_path / "again").records == 2
    (tmp_path / "data" / "image-names.jsonl").write_text("[]\n")
    with pytest.raises(DataError, match=r"image-names\.jsonl:1"):
        write_decontaminated(find_records(tmp_path / "data"), tmp_path / "x", known)


def test_chair_is_all_of_val2014_and_pope_is_not(tmp_path, evaluation):
    names = ("COCO_val2014_000000000009.jpg", "COCO_train2014_000000000010.jpg")
    source = find_records(write_folder(tmp_path / "in", [build(name, [name]) for name in names]))
    chair = write_decontaminated(source, tmp_path / "1", load_evaluation_images(["chair"]), images="none")
    assert ids(chair.folder) == [names[1]]
    pope = write_decontaminated(source, tmp_path / "2", load_evaluation_images(["pope"], evaluation), images="none")
    assert ids(pope.folder) == list(names)


def test_files_and_folders_are_taken_too(tmp_path):
    (tmp_path / "names.txt").write_text("COCO_val2014_000000000009.jpg\n\nsome_picture.png\n")
    coco = {"info": {}, "images": [{"id": 10, "file_name": "COCO_val2014_000000000010.jpg"}], "annotations": []}
    (tmp_path / "instances.json").write_text(json.dumps(coco))
    draw_noise(1).save(tmp_path / "one.png")
    write_folder(tmp_path / "pictures", [])
    names = [str(tmp_path / name) for name in ("names.txt", "instances.json", "one.png", "pictures")]
    known = load_evaluation_images(names)
    assert [len(known.names[name]) for name in names] == [2, 1, 0, 2]  # a.png and other short names say nothing
    assert [known.pictures[name] for name in names] == [0, 0, 1, 6]
    assert known.find_name({"coco 9"}).matched == "coco 9"
    assert known.find_name({"coco 10"}).benchmark == names[1]
    assert known.find_name({COCO_VAL2014}) is None
    assert known.find_picture(tmp_path / "pictures" / "a.png").reason == "bytes"


def test_what_says_nothing_about_pictures_is_refused(tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "pope").mkdir()
    with pytest.raises(ConfigError, match="pope, chair, object_halbench"):
        load_evaluation_images(["popr"])
    with pytest.raises(ConfigError, match="--data DIR"):
        load_evaluation_images(["pope"])
    for name, data in ((str(tmp_path / "empty.txt"), None), (str(tmp_path / "list.json"), None), ("pope", tmp_path)):
        with pytest.raises(DataError):
            load_evaluation_images([name], data)


def test_official_files_name_as_many_pictures_as_the_table_says(shared_data):
    known = load_evaluation_images(["pope", "amber", "llava_bench", "refomb", "mmhal"], shared_data)
    assert {name: len(keys) for name, keys in known.names.items()} == {
        "pope": 500,
        "amber": 1004,
        "llava_bench": 30,
        "refomb": 73,
        "mmhal": 192,  # each by its id and by its address
    }


def test_photos_against_the_public_inputs_they_come_from(shared_data, tmp_path):
    write_records(tmp_path / "photos.jsonl", photo_records(shared_data / "photos"))
    source = find_records(tmp_path / "photos.jsonl", shared_data / "photos")
    known = load_evaluation_images(["object_halbench", "pope"], shared_data)
    result = write_decontaminated(source, tmp_path / "out", known)
    assert (result.removed, result.folder.count) == ({("object_halbench", "name"): 9}, 29)
    assert len(load_records(tmp_path / "out").records) == 29
    assert write_distinct(source, tmp_path / "distinct", ["look"]).removed == 0
