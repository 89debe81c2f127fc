"""What is said about answers beside their score: thoughts, refusals, failed calls, halves of the ground truth."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from errata.errors import ConfigError, DataError
from errata.pipelines.evaluate import ScoreSettings, score_file
from errata.records import describe_coverage

ASKED = [("Is there a dog in the image?", "yes"), ("Is there a cat in the image?", "no")] * 3
SAID = [
    "<think>No dog at first. Wait, a tail.</think>\nYes",
    "Yes? Let me see.\n</think>\n\nNo",
    "<think>Is there one? No sign of it so far, let me",
    "I'm sorry, but I can’t assist with that.",
    "There is a dog in the image.",
    "There is no cat in the image.",
]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def pope(tmp_path):
    rows = [
        {"index": n, "category": "random", "question": asked, "answer": label, "prediction": said, "image": f"{n}.jpg"}
        for n, ((asked, label), said) in enumerate(zip(ASKED, SAID, strict=True))
    ]
    return ScoreSettings("pope", write_rows(tmp_path / "a.jsonl", rows), options=("pope.settings=[random]",))


def test_thoughts_are_set_aside_and_counted(pope, tmp_path):
    evaluation = score_file(pope, tmp_path / "out")
    values = {name: metric.value for name, metric in evaluation.results[0].metrics.items()}
    assert (values["accuracy"], values["unknown_share"]) == (pytest.approx(4 / 6), pytest.approx(2 / 6))
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    coverage = content["coverage"]["pope"]
    assert {name: coverage[name] for name in ("reasoned", "endless", "refused", "empty", "failed")} == {
        "reasoned": 3, "endless": 1, "refused": 1, "empty": 0, "failed": 0,
    }  # fmt: skip
    said = describe_coverage(coverage)
    assert "3 with thoughts, which were set aside, 1 whose thoughts never ended, 1 refused" in said
    items = content["stages"][0]["benchmarks"]["pope_random"]["items"]
    assert [item["text"] for item in items[:3]] == ["Yes", "No", ""]
    assert (items[2]["endless"], items[3]["refused"]) == (True, True)
    stored = [json.loads(line) for line in (tmp_path / "out" / "answers" / "pope.jsonl").read_text().splitlines()]
    assert [row["text"] for row in stored] == SAID, "what was stored stays as it was said"


def test_official_mode_reads_refusals_as_released(pope, tmp_path):
    evaluation = score_file(replace(pope, mode="official"), tmp_path / "out")
    items = evaluation.results[0].items
    assert [item["said"] for item in items] == ["yes", "no", "yes", "yes", "yes", "no"]


def test_failed_calls_are_missing(pope, tmp_path):
    rows = [json.loads(line) for line in pope.answers.read_text().splitlines()]
    rows[1]["prediction"] = "Failed to obtain answer via API."
    rows[2]["prediction"] = None
    write_rows(pope.answers, rows)
    with pytest.raises(DataError, match=r"2 rows hold no answer, the first .*jsonl:2\) 'Failed to obtain"):
        score_file(pope, tmp_path / "out")
    evaluation = score_file(replace(pope, allow_missing=True), tmp_path / "out")
    coverage = evaluation.coverage["pope"]
    assert (coverage.questions, coverage.answered, coverage.failed, evaluation.complete) == (6, 4, 2, False)


COCO = {
    "images": [{"id": n, "file_name": f"COCO_val2014_{n:012}.jpg"} for n in range(1, 5)],
    "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "person"}],
    "annotations": [{"image_id": n, "category_id": 1} for n in range(1, 5)],
}


@pytest.fixture
def chair(tmp_path):
    (tmp_path / "instances_val2014.json").write_text(json.dumps(COCO))
    rows = [{"image_id": n, "caption": "A dog with a man."} for n in (1, 3)]
    return ScoreSettings(
        "chair", write_rows(tmp_path / "a.jsonl", rows), annotations=tmp_path / "instances_val2014.json"
    )


def write_captions(folder, numbers):
    rows = [{"image_id": n, "caption": "A man and his dog."} for n in numbers]
    (folder / "captions_val2014.json").write_text(json.dumps({"annotations": rows}))


def test_the_images_of_the_answers_are_the_set(chair, tmp_path):
    write_captions(tmp_path, range(1, 5))
    with pytest.raises(
        DataError, match=r"take the images of the answer file as the whole set with --images-of-answers"
    ):
        score_file(chair, tmp_path / "out")
    evaluation = score_file(replace(chair, images_of_answers=True), tmp_path / "out")
    assert evaluation.complete
    assert evaluation.coverage["chair"].questions == 2
    assert evaluation.results[0].metrics["chair_i"].value == 0
    both = replace(chair, images_of_answers=True, options=("chair.images=2",))
    with pytest.raises(ConfigError, match=r"chair\.images: both; expected no sample beside --images-of-answers"):
        score_file(both, tmp_path / "out")


def test_others_drawn_are_named_by_the_option_that_drew(chair, tmp_path):
    write_captions(tmp_path, range(1, 5))
    drawn = [replace(chair, options=("chair.images=1",), seed=seed) for seed in range(4)]
    said = []
    for one in drawn:
        with pytest.raises(DataError) as caught:
            score_file(one, tmp_path / "out")
        said.append(str(caught.value))
    assert any("chair.images drew others: leave it out" in text and "--images-of-answers" in text for text in said)
    assert not any("vintage" in text for text in said)


@pytest.mark.parametrize(("numbers", "lacking"), [((), 2), ((1,), 1)])
def test_half_of_the_truth_is_refused_in_official_mode_and_said_in_strict(
    chair, tmp_path, shared_data, numbers, lacking
):
    if numbers:
        write_captions(tmp_path, numbers)
    official = replace(
        chair, mode="official", vocabulary=shared_data / "chair" / "synonyms.txt", images_of_answers=True
    )
    with pytest.raises(DataError, match=r"official mode: images without .*captions.*half of what is true"):
        score_file(official, tmp_path / "out")
    evaluation = score_file(replace(chair, images_of_answers=True), tmp_path / "out")
    coverage = evaluation.coverage["chair"]
    assert coverage.uncaptioned == evaluation.results[0].settings["uncaptioned"] == lacking
    assert "without captions_val2014.json, which is half of the ground truth" in describe_coverage(
        {"questions": 2, "answered": 2, "uncaptioned": lacking}
    )


def test_annotations_of_ones_own_need_no_captions(chair, tmp_path):
    rows = [{"image": f"{n}.jpg", "objects": ["dog"]} for n in (1, 3)]
    own = replace(chair, annotations=write_rows(tmp_path / "own.jsonl", rows))
    assert score_file(own, tmp_path / "out").coverage["chair"].uncaptioned == 0


def test_refusals_of_captions_are_counted(chair, tmp_path):
    write_captions(tmp_path, range(1, 5))
    rows = [{"image_id": 1, "caption": "I'm sorry, I can't help with that."}, {"image_id": 3, "caption": "A dog."}]
    write_rows(chair.answers, rows)
    evaluation = score_file(replace(chair, images_of_answers=True), tmp_path / "out")
    assert evaluation.coverage["chair"].refused == 1


def test_a_file_that_holds_its_questions_needs_no_data(pope, shared_data, tmp_path):
    rows = [json.loads(line) for line in pope.answers.read_text().splitlines()]
    for row in rows:
        del row["image"]
    write_rows(pope.answers, rows)
    with pytest.raises(DataError, match="leave out --data: the rows hold question, label and setting"):
        score_file(replace(pope, data=shared_data), tmp_path / "out")


def test_the_part_that_was_answered_is_named(pope, shared_data, tmp_path):
    questions = (shared_data / "pope" / "coco_pope_random.json").read_text().splitlines()[:6]
    rows = [json.loads(line) for line in questions]
    rows = [{"question_id": row["question_id"], "category": "random", "answer": "Yes"} for row in rows]
    write_rows(pope.answers, rows)
    with pytest.raises(DataError, match=r"score these alone with .pope\.settings=\[random\]"):
        score_file(replace(pope, data=shared_data, options=()), tmp_path / "out")


def test_answers_without_a_letter_say_nothing(chair, tmp_path):
    write_captions(tmp_path, range(1, 5))
    write_rows(chair.answers, [{"image_id": 1, "caption": "!!!!!!!!"}, {"image_id": 3, "caption": "一只狗"}])
    evaluation = score_file(replace(chair, images_of_answers=True), tmp_path / "out")
    assert evaluation.coverage["chair"].empty == 1
    assert evaluation.results[0].settings["empty"] == 1
