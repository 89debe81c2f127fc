"""MHumanEval: a job for people, their marks read back, rates by type, agreement of two, bad marks."""

from __future__ import annotations

import json

import pytest

from errata.benchmarks import Setup, read_marks
from errata.benchmarks.annotations import AnnotatedImage
from errata.benchmarks.mhumaneval.benchmark import MMHAL, OBJECT, MHumanEval
from errata.benchmarks.mhumaneval.marks import compute_kappa
from errata.benchmarks.mmhal import MMHal
from errata.cli import main
from errata.errors import DataError
from errata.pipelines.evaluate.measuring import measure_answers
from errata.records import Answer, write_answers, write_questions
from errata.storage import read_json_lines

TEXT = "Two red dogs left of a cat."
OBJECTS, NUMBER, PLACE = [8, 12, "object"], [0, 3, "number"], [13, 20, "position"]
PHOTOS = [AnnotatedImage(f"{name}.png", (), question="Describe.") for name in "abcd"]


def write_marks(path, marks, response=TEXT):
    rows = [
        {"id": f"mhumaneval-{name}.png", "response": response, "segments": segments and list(map(to_segment, segments))}
        for name, segments in marks.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def to_segment(mark):
    return dict(zip(("start", "end", "type"), mark, strict=True))


def measure(*marks):
    benchmark, setup = MHumanEval(marks=marks), Setup(annotations=PHOTOS, model="m")
    questions = benchmark.load(setup)
    answers = [Answer(question.id, TEXT) for question in questions]
    (result,) = measure_answers(benchmark, questions, answers, setup).results
    return result


def test_rates_by_type(tmp_path):
    marks = {"a": [OBJECTS, OBJECTS], "b": [NUMBER, PLACE], "c": [], "d": None}
    result = measure(write_marks(tmp_path / "anna.jsonl", marks))
    assert {name: (metric.numerator, metric.n) for name, metric in result.metrics.items()} == {
        "all": (2, 3), "object": (1, 3), "position": (1, 3), "number": (1, 3), "other": (0, 3), "marked": (3, 4),
    }  # fmt: skip


def test_two_people(tmp_path):
    anna = write_marks(tmp_path / "anna.jsonl", {"a": [OBJECTS], "b": [NUMBER], "c": [], "d": [OBJECTS]})
    ben = write_marks(tmp_path / "ben.jsonl", {"a": [[6, 10, "object"]], "b": [NUMBER], "c": [NUMBER], "d": None})
    result = measure(anna, ben)
    counts = {name: (metric.numerator, metric.n) for name, metric in result.metrics.items()}
    assert (counts["all"], counts["object"], counts["marked"]) == ((6, 7), (3, 7), (4, 4))
    assert counts["agreement"] == (2, 3)
    assert counts["overlap"] == (2 * (2 + 3), 4 + 4 + 3 + 3 + 0 + 3)
    assert result.settings["kappa"] == pytest.approx(0.0), "two of three agree, as many as by chance"


def test_kappa_by_hand():
    one = dict(zip("abcdefgh", [1, 1, 1, 1, 0, 0, 0, 0], strict=True))
    other = dict(zip("abcdefgh", [1, 1, 1, 0, 1, 0, 0, 0], strict=True))
    assert compute_kappa({"one": one, "other": other}) == pytest.approx((0.75 - 0.5) / 0.5)
    assert compute_kappa({"one": one, "same": one}) == 1
    assert compute_kappa({"one": {"a": True}, "other": {"b": True}}) is None
    assert compute_kappa({"one": {"a": True}, "other": {"a": True}}) is None


def test_without_marks_there_is_no_value():
    result = measure()
    assert {name: metric.value for name, metric in result.metrics.items() if name != "marked"} == dict.fromkeys(
        ("all", "object", "position", "number", "other")
    )
    assert (result.metrics["marked"].numerator, result.metrics["marked"].n) == (0, 4)


def test_a_changed_file_is_read_again(tmp_path):
    path = write_marks(tmp_path / "anna.jsonl", {"a": []})
    assert measure(path).metrics["all"].value == 0
    write_marks(tmp_path / "anna.jsonl", {"a": [OBJECTS], "b": [OBJECTS]})
    assert measure(path).metrics["all"].value == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"segments": [{"start": 0, "end": 99, "type": "object"}]}, "0:99 of 27"),
        ({"segments": [{"start": 3, "end": 3, "type": "object"}]}, "3:3"),
        ({"segments": [{"start": -1, "end": 3, "type": "object"}]}, "-1:3"),
        ({"segments": [{"start": 0, "end": 3, "type": "colour"}]}, "'colour'"),
        ({"segments": [{"start": 0, "end": 3}]}, "'type' is missing"),
        ({"segments": {}}, "'segments' is dict"),
        ({"segments": [[0, 3, "object"]]}, "list"),
        ({}, "'segments' is missing"),
        ({"segments": [], "response": None}, "'response' is missing"),
        ({"segments": [], "id": "mhumaneval-z.png"}, "another id"),
        ({"segments": [], "response": "Another answer."}, "another answer"),
    ],
)
def test_bad_marks_are_named(tmp_path, row, message):
    (tmp_path / "marks.jsonl").write_text(json.dumps({"id": "mhumaneval-a.png", "response": TEXT, **row}) + "\n")
    with pytest.raises(DataError, match=message):
        measure(str(tmp_path / "marks.jsonl"))


def test_an_id_twice_or_no_file(tmp_path):
    path = tmp_path / "marks.jsonl"
    write_marks(path, {"a": []})
    path.write_text(path.read_text() * 2)
    with pytest.raises(DataError, match="again"):
        read_marks(path)
    with pytest.raises(DataError, match="check the path"):
        measure(str(tmp_path / "none.jsonl"))


def write_stand_ins(folder, count=50):
    """Stand-ins for the 50 questions about Object HalBench's images."""
    rows = [{"image_id": i, "image_path": f"stand-in-{i}.jpg", "question": "What is here?"} for i in range(count)]
    (folder / OBJECT).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_job_and_marks_from_the_command_line(shared_data, tmp_path, capsys):
    write_stand_ins(tmp_path)
    (tmp_path / MMHAL).write_bytes((shared_data / "mmhal_bench" / MMHAL).read_bytes())
    questions = MHumanEval().load(Setup(data=tmp_path))
    assert len(questions) == len({question.id for question in questions}) == 146
    answers = [Answer(question.id, TEXT, "m") for question in questions]
    write_questions(tmp_path / "run" / "questions" / "mhumaneval.jsonl", questions)
    write_answers(tmp_path / "run" / "answers" / "mhumaneval.jsonl", answers)
    assert main(["bench", "job", str(tmp_path / "run"), "--out", str(tmp_path / "job.jsonl")]) == 0
    assert "146 answers to mark" in capsys.readouterr().out
    rows = [row for _, row in read_json_lines(tmp_path / "job.jsonl")]
    assert all(row["segments"] is None and row["response"] == TEXT and row["images"] for row in rows)
    for row in rows[:100]:
        row["segments"] = [{"start": 8, "end": 12, "type": "object"}] if row["id"].endswith("1") else []
    (tmp_path / "anna.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["score", "mhumaneval", str(tmp_path / "run" / "answers" / "mhumaneval.jsonl"), "--data", str(tmp_path)]
    command += ["--out", str(tmp_path / "out"), f"mhumaneval.marks=[{tmp_path / 'anna.jsonl'}]"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "10 / 100" in printed
    assert "100 / 146" in printed


def test_another_version_of_a_file_is_named(shared_data, tmp_path):
    assert len(MHumanEval(part="mmhal").load(Setup(data=shared_data))) == 96
    with pytest.raises(DataError, match=OBJECT):
        MHumanEval().load(Setup(data=tmp_path))
    write_stand_ins(tmp_path, 49)
    with pytest.raises(DataError, match="49 rows"):
        MHumanEval(part="object").load(Setup(data=tmp_path))
    (tmp_path / MMHAL).write_text("{}")
    with pytest.raises(DataError, match="no 'question_type'"):
        MHumanEval(part="mmhal").load(Setup(data=tmp_path))


@pytest.mark.parametrize("name", [None, "{}.jpg", "images/{}.jpg"])
def test_one_folder_of_pictures_serves_this_and_mmhal(shared_data, tmp_path, name):
    """By the name in the address, by the image's number, or in a folder `images`."""
    data = shared_data / "mmhal_bench"
    first = json.loads((data / MMHAL).read_text())[0]
    if name:
        (tmp_path / "images").mkdir()
        (tmp_path / name.format(first["image_id"])).touch()
    setup = Setup(data=data, image_root=tmp_path)
    ours, theirs = ([q.images for q in one.load(setup)] for one in (MHumanEval(part="mmhal"), MMHal()))
    assert ours == theirs
    assert ours[0] == ((name or first["image_src"].rpartition("/")[2]).format(first["image_id"]),)
