"""Label Studio's annotations become records: corrections, choices, rankings, and labels in either unit."""

from __future__ import annotations

import pytest

from errata.corrections import apply_segments
from errata.data.formats.label_studio import LABEL_STUDIO
from errata.errors import ConfigError, DataError
from errata.records import Record, Segment
from format_rows import read_row, recognises

BUS = "🚌 A blue bus waits."


def result(kind: str, to: str, name: str = "control", **value) -> dict:
    return {"id": "x", "type": kind, "from_name": name, "to_name": to, "value": value}


def label(start: int, end: int, text: str | None = None, kind: str = "Attribute") -> dict:
    return result("labels", "response", start=start, end=end, labels=[kind], **({"text": text} if text else {}))


def task(*results: dict, key: str = "annotations", **data) -> dict:
    shown = {"image": "/data/upload/3/ab-bus.png", "prompt": "What is it?", "response": BUS} | data
    annotation = {"id": 5, "completed_by": 2, "was_cancelled": False, "result": list(results)}
    return {"id": 12, "data": {n: v for n, v in shown.items() if v is not ...}, key: [annotation], "project": 3}


def convert(row: dict, **context) -> Record:
    (record,) = read_row(LABEL_STUDIO, row, **context)
    return record


CORRECTED = result("textarea", "response", "corrected", text=["🚌 A red bus waits."])


def test_a_corrected_text_is_the_better_answer_and_labels_are_typed_segments():
    record = convert(task(CORRECTED, label(4, 8, "blue"), town="Bonn"))
    assert (record.id, record.images, record.source) == ("12", ("upload/3/ab-bus.png",), None)
    assert [response.text for response in record.responses] == ["🚌 A red bus waits.", BUS]
    assert record.responses[1].segments == (Segment(4, 8, 4, 7, type="attribute"),)
    assert record.meta == {"annotator": 2, "town": "Bonn"}
    assert recognises(LABEL_STUDIO, task())


@pytest.mark.parametrize(
    ("key", "start", "end", "text"),
    [
        ("annotations", 4, 8, "blue"),  # code points, as since version 1.3
        ("annotations", 5, 9, "blue"),  # UTF-16 units, where the emoji takes two
        ("completions", 5, 9, "blue"),
        ("annotations", 4, 8, None),  # no text to compare with: the age of the file decides
        ("completions", 5, 9, None),
    ],
)
def test_offsets_behind_an_emoji_are_read_in_the_unit_they_count_in(key, start, end, text):
    record = convert(task(CORRECTED, label(start, end, text), key=key))
    (segment,) = record.responses[1].segments
    assert BUS[segment.start : segment.end] == "blue"
    assert apply_segments(BUS, [segment], record.responses[0].text) == record.responses[0].text


def test_labels_in_neither_unit_are_an_error():
    with pytest.raises(DataError, match=r"^data\.json:7: 'blue'; expected labels whose text stands"):
        convert(task(CORRECTED, label(9, 13, "blue")))


def test_texts_typed_into_regions_replace_them():
    replaced = result("textarea", "response", start=4, end=8, text=["red"])
    record = convert(task(label(4, 8, "blue"), replaced))
    assert record.responses[0].text == "🚌 A red bus waits."
    assert [segment.type for segment in record.responses[1].segments] == ["attribute"]
    with pytest.raises(DataError, match="overlap"):
        convert(task(replaced, result("textarea", "response", start=6, end=10, text=["x"])))


PAIR = {"response": ..., "text1": "A red bus.", "text2": "A blue bus."}


@pytest.mark.parametrize(("to", "columns"), [("txt-1,text2", {}), ("text1,text2", {}), ("a,b", {})])
def test_a_choice_of_two(to, columns):
    right = result("pairwise", to, selected="right")
    record = convert(task(right, **PAIR), columns=columns)
    assert [(one.text, one.level) for one in record.responses] == [("A blue bus.", 0), ("A red bus.", 1)]


def test_named_columns_say_which_two():
    left = result("pairwise", "a,b", selected="left")
    row = task(left, **PAIR, other="A third text.", question="Which?", prompt=...)
    with pytest.raises(DataError, match="--columns left=FIELD right=FIELD"):
        convert(row)
    record = convert(row, columns={"left": "other", "right": "text1"})
    assert [one.text for one in record.responses] == ["A third text.", "A red bus."]
    assert record.meta["text2"] == "A blue bus."
    with pytest.raises(DataError, match="left="):
        convert(row, columns={"left": "none"})


def test_names_that_lead_nowhere_are_errors():
    with pytest.raises(ConfigError, match="did you mean 'prompt'"):
        convert(task(CORRECTED), columns={"promt": "prompt"})
    with pytest.raises(DataError, match="the field 'photo' for image"):
        convert(task(CORRECTED), columns={"image": "photo"})


def test_a_ranked_list_is_levels_and_buckets_are_ties():
    items = [{"id": name, "title": name, "body": f"A {name} bus."} for name in ("red", "blue", "green", "pink")]
    ranked = result("ranker", "items", ranker={"rank": ["blue", "red", "green", "pink"]})
    record = convert(task(ranked, response=..., items=items))
    assert [(one.text, one.level) for one in record.responses][:2] == [("A blue bus.", 0), ("A red bus.", 1)]
    assert record.levels == (0, 1, 2, 3)
    buckets = result("ranker", "items", ranker={"_": ["pink"], "best": ["red"], "worst": ["blue", "green"]})
    record = convert(task(buckets, response=..., items=items))
    assert [(one.text, one.level) for one in record.responses] == [
        ("A red bus.", 0),
        ("A blue bus.", 1),
        ("A green bus.", 1),
    ]


def test_stars_are_levels():
    rated = [result("rating", name, rating=stars) for name, stars in (("text1", 2), ("text2", 4))]
    assert [one.text for one in convert(task(*rated, **PAIR)).responses] == ["A blue bus.", "A red bus."]


def test_each_annotator_gives_a_record_and_cancelled_ones_none():
    row = task(CORRECTED)
    row["annotations"] += [
        {"id": 6, "result": [result("textarea", "response", text=["A cat."])]},
        {"id": 7, "result": [], "was_cancelled": True},
    ]
    assert [record.id for record in read_row(LABEL_STUDIO, row)] == ["12-5", "12-6"]


def test_remarks_and_marks_on_words_that_stayed_are_kept_in_meta():
    remark = result("textarea", "response", "comment", text=["Hard to see."])
    record = convert(task(CORRECTED, label(13, 18, "waits", "Action"), remark))
    assert record.meta["comment"] == "Hard to see."
    assert record.meta["unused_marks"] == [{"answer": "response", "start": 13, "end": 18, "label": "Action"}]


def test_images_are_found_below_the_root(tmp_path):
    (tmp_path / "ab-bus.png").write_bytes(b"x")
    assert convert(task(CORRECTED), root=tmp_path).images == ("ab-bus.png",)
    local = task(CORRECTED, image="/data/local-files/?d=photos%2Fbus%201.png")
    assert convert(local, root=tmp_path).images == ("photos/bus 1.png",)


BAD = {
    "no annotation": ({"annotations": []}, "finished annotation"),
    "annotations of texts": ({"annotations": ["x"]}, "another type"),
    "no result": ({"annotations": [{"id": 1}]}, "'result'"),
    "a result without value": ({"annotations": [{"result": [{"type": "labels"}]}]}, "'value'"),
    "only labels": (task(label(4, 8, "blue")), "marks alone"),
    "nothing changed": (task(result("textarea", "response", text=[BUS])), "changes nothing"),
    "a tie": (task(*[result("rating", name, rating=3) for name in ("text1", "text2")], **PAIR), "a tie"),
    "offsets outside": (task(CORRECTED, label(4, 400)), "4:400"),
    "offsets in HTML": (task(CORRECTED, label("/p[1]/text()[1]", 8)), "plain text"),
    "turned offsets": (task(CORRECTED, label(8, 4)), "8:4"),
    "no question": (task(CORRECTED, prompt=...), "--columns prompt=FIELD"),
    "an unknown id": (task(result("ranker", "items", ranker={"r": ["zz"]})), "'zz'"),
    "a choice of neither": (task(result("pairwise", "text1,text2", selected="up"), **PAIR), "'up'"),
    "stars": (task(result("rating", "response", rating="4")), "'rating'"),
    "a text box": (task(result("textarea", "response", text=3)), "list of texts"),
    "an image that escapes": (task(CORRECTED, image="../bus.png"), "../bus.png"),
    "an upload that escapes": (task(CORRECTED, image="/data/local-files/?d=..%2F..%2Fetc%2Fpasswd"), "etc/passwd"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_task_is_named_with_its_place(name):
    fields, found = BAD[name]
    with pytest.raises(DataError, match=r"^data\.json:7") as caught:
        convert(task() | fields)
    assert found in str(caught.value)
    assert all((caught.value.expected, caught.value.found, caught.value.fix))


def test_a_second_picture_is_not_passed_over():
    assert convert(task(CORRECTED, image=["a.png", "b.png"])).images == ("a.png", "b.png")
    assert convert(task(CORRECTED, file_name="ab-bus.png")).images == ("upload/3/ab-bus.png",)
    for fields in ({"image2": "b.png"}, {"image": ..., "scan": "b.png"}, {"image": None, "scan": "b.png"}):
        with pytest.raises(DataError, match="expected all pictures in one field of a usual name"):
            convert(task(CORRECTED, **fields))
    named = convert(task(CORRECTED, image2="b.png"), columns={"image": "image2"})
    assert (named.images, named.meta["image"]) == (("b.png",), "/data/upload/3/ab-bus.png")
