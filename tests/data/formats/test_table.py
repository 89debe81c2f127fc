"""Tables of one's own, by a column map or by their header; a row that does not fit is named with its line."""

from __future__ import annotations

import pytest

import tiny_models
from errata.data import import_records
from errata.data.formats.table import TABLE
from errata.errors import ConfigError, DataError
from errata.records import BadRow, Record, read_records
from format_rows import read_row, recognises

COLUMNS = {"prompt": "question", "chosen": "a", "rejected": "b", "image": "file"}
ROW = {"question": "What is it?", "a": "A red bus.", "b": "A blue bus.", "file": "image0.png", "town": "Bonn"}


def convert(row: dict, columns: dict | None = None, **context) -> Record:
    (record,) = read_row(TABLE, row, columns=COLUMNS if columns is None else columns, **context)
    return record


def test_a_map_says_what_stands_where_and_the_rest_is_kept():
    record = convert(ROW)
    assert (record.prompt[0].text, record.images, record.source) == ("What is it?", ("image0.png",), None)
    assert [(one.text, one.level) for one in record.responses] == [("A red bus.", 0), ("A blue bus.", 1)]
    assert record.meta == {"town": "Bonn"}
    assert record.id == "data-7"


def test_a_header_with_the_usual_names_needs_no_map():
    row = {"prompt": "Q", "chosen": "A.", "rejected": "B.", "rejected2": "C.", "id": "7", "license": "MIT", "image": ""}
    assert recognises(TABLE, row, kind="csv")
    assert not recognises(TABLE, row, kind="parquet")
    record = convert(row, {})
    assert (record.levels, record.id, record.license, record.images) == ((0, 1, 2), "7", "MIT", ())
    assert convert(row | {"rejected2": ""}, {}).levels == (0, 1)


def test_one_answer_makes_a_supervised_record():
    record = convert({"q": "Q", "s": "S", "x": "A."}, {"prompt": "q", "answer": "x", "system": "s"})
    assert [turn.role for turn in record.prompt] == ["system", "user"]
    assert record.levels == (0,)


def test_several_images_and_models():
    columns = COLUMNS | {"image2": "more", "chosen_model": "m"}
    record = convert(ROW | {"file": '["x.png", "y.png"]', "more": "z.png", "m": "gpt"}, columns)
    assert record.images == ("x.png", "y.png", "z.png")
    assert [one.model for one in record.responses] == ["gpt", None]


def test_a_list_of_worse_answers_is_a_tie():
    assert convert(ROW | {"b": ["A cat.", "A dog."]}).levels == (0, 1, 1)


@pytest.mark.parametrize(
    "cell",
    [
        ["A.", "B.", "C."],
        '["A.", "B.", "C."]',
        [{"text": "C.", "level": 2}, {"text": "A.", "level": 0}, {"text": "B.", "level": 1}],
    ],
)
def test_a_ranked_list_is_levels(cell):
    record = convert({"q": "Q", "all": cell}, {"prompt": "q", "responses": "all"})
    assert [(one.text, one.level) for one in record.responses] == [("A.", 0), ("B.", 1), ("C.", 2)]


def test_a_ranked_list_may_say_ties_and_models():
    cell = [{"text": "A.", "level": 0, "model": "m"}, {"text": "B.", "level": 1}, {"text": "C.", "level": 1}]
    record = convert({"q": "Q", "all": cell}, {"prompt": "q", "responses": "all"})
    assert record.levels == (0, 1, 1)
    assert [one.model for one in record.responses] == ["m", None, None]


@pytest.mark.parametrize("cell", [None, "", [], [3], [{"level": 0}], [{"text": "A.", "level": "0"}, "B."], "[x"])
def test_a_ranked_list_that_is_none_is_named(cell):
    with pytest.raises(DataError, match=r"data\.json:7"):
        convert({"q": "Q", "all": cell}, {"prompt": "q", "responses": "all"})


@pytest.mark.parametrize(("name", "near"), [("promt", "did you mean 'prompt'"), ("xyzzy", "docs/formats")])
def test_a_name_that_means_nothing_is_an_error(name, near):
    with pytest.raises(ConfigError, match=near):
        convert(ROW, COLUMNS | {name: "a"})


BAD = {
    "no such column": (ROW, COLUMNS | {"image": "picture"}, "--columns image=COLUMN"),
    "no prompt": (ROW, {"chosen": "a", "rejected": "b"}, "no column for it"),
    "no worse answer": (ROW, {"prompt": "question", "chosen": "a"}, "--columns rejected=COLUMN"),
    "a number": (ROW | {"a": 3}, COLUMNS, "'chosen' as a text"),
    "a list with a number": (ROW | {"b": ["x", 3]}, COLUMNS, "'rejected' as a text, messages, or a list"),
    "an empty answer": (ROW | {"b": ""}, COLUMNS, "empty"),
    "equal answers": (ROW | {"b": "A red bus."}, COLUMNS, "identical"),
    "an image that escapes": (ROW | {"file": "../x.png"}, COLUMNS, "../x.png"),
    "a broken list": (ROW | {"file": "[x"}, COLUMNS, "not (Expecting"),
    "an address": (ROW | {"file": "http://example.org/x.png"}, COLUMNS, "--allow-download"),
    "an id of another type": (ROW | {"i": [1]}, COLUMNS | {"id": "i"}, "'id'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_with_its_place(name):
    row, columns, found = BAD[name]
    with pytest.raises(DataError, match=r"^data\.json:7") as caught:
        convert(row, columns)
    assert found in str(caught.value)
    assert all((caught.value.expected, caught.value.found, caught.value.fix))


CSV = """question,a,b,file
"What
is it?",A red bus.,A blue bus.,image0.png
Q,A.,B.,missing.png
Q2,"C, c.",D.,image1.png
"""


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_a_file_with_cells_of_several_lines(tmp_path, ending):
    tiny_models.save_images(tmp_path, 2)
    path = tmp_path / f"mine{ending}"
    text = CSV if ending == ".csv" else CSV.replace("C, c.", "C; c.").replace(",", "\t")
    path.write_text(text, encoding="utf-8")
    bad: list[BadRow] = []
    summary = import_records(path, tmp_path / "out", columns=COLUMNS, on_bad=bad.append)
    assert [row.where for row in bad] == [f"{path}:4"]
    first, second = read_records(summary.path)
    assert (first.id, first.prompt[0].text) == ("mine-2", "What\nis it?")
    assert second.id == "mine-5"
    assert [one.start for one in first.responses[1].segments] == [2]


def test_named_columns_go_before_columns_that_another_format_has(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("question,chosen,rejected,best\nQ,A.,B.,C.\n")
    columns = {"prompt": "question", "chosen": "best", "rejected": "rejected"}
    (record,) = read_records(import_records(path, tmp_path / "out", columns=columns).path)
    assert [one.text for one in record.responses] == ["C.", "B."]
