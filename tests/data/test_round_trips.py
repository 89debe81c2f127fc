"""Import, export, import again: equal records, for every format that can be written and from every one that is read."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errata.data import export_records, import_records, load_records
from errata.data.formats import FORMATS
from errata.images import open_image
from errata.records import Record, Response, Segment, Turn, read_records, write_records
from foreign_rows import (
    amp_row,
    llava_rlhf_row,
    rlaifv_row,
    save_pictures,
    tsv_line,
    vlfeedback_row,
    write_lines,
    write_parquet,
)

WRITERS = {known.name: known for known in FORMATS if known.write_row is not None}
LOSSLESS = ("errata", "parquet")
PAIRS_ONLY = ("rlhfv", "rlaifv", "llama-factory")
"""One round; the first two also one image and one question."""

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: text.strip() and "<image>" not in text
)
NAME = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)


@st.composite
def draw_record(draw, *, pair: bool) -> Record:
    """A record that the format has a place for, but for what it says that it drops."""
    texts = draw(st.lists(TEXT, min_size=2, max_size=2 if pair else 4, unique=True))
    rounds = 1 if pair else draw(st.integers(1, 2))
    levels = sorted([0, *draw(st.lists(st.integers(1, 3), min_size=len(texts) - 1, max_size=len(texts) - 1))])
    images = tuple(f"{name}.png" for name in "ab"[: 1 if pair else draw(st.integers(0, 1))])
    placeholder = "<image>" * len(images) * draw(st.booleans())
    return Record(
        id=draw(NAME),
        images=images,
        prompt=(Turn("user", placeholder + draw(TEXT)),),
        responses=tuple(
            Response(build_turns(text, rounds), level, model=draw(st.none() | NAME))
            for text, level in zip(texts, levels, strict=True)
        ),
        source=draw(st.none() | NAME),
        license=draw(st.none() | NAME),
        meta=draw(st.dictionaries(NAME, st.none() | st.booleans() | st.integers(-9, 9) | NAME, max_size=2)),
    )


def build_turns(text: str, rounds: int) -> tuple[Turn, ...]:
    return (Turn("assistant", text), *(Turn("user", "And?"), Turn("assistant", f"More {text}")) * (rounds - 1))


def travel(records: list[Record], root: Path, folder: Path, name: str) -> list[Record]:
    file = folder / f"x.{WRITERS[name].ending}"
    export_records(records, root, file, format=name)
    return read_records(import_records(file, folder / "out", format=name).path)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_came_in_goes_out_and_comes_back_the_same(name, data, tmp_path):
    save_pictures(tmp_path, "a.png")
    drawn = data.draw(st.lists(draw_record(pair=name in PAIRS_ONLY), min_size=1, max_size=3, unique_by=lambda r: r.id))
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        first = travel(drawn, tmp_path, Path(folder) / "1", name)
        second = travel(first, Path(folder) / "1" / "out", Path(folder) / "2", name)
    assert second == first
    if name in LOSSLESS:
        assert [one.responses for one in first] == [one.responses for one in drawn]
        assert [(one.id, one.prompt, one.meta) for one in first] == [(one.id, one.prompt, one.meta) for one in drawn]


@pytest.mark.parametrize("name", LOSSLESS)
def test_our_own_formats_lose_nothing(tmp_path, name):
    save_pictures(tmp_path, "a.png", "b.png")
    worse = Response((Turn("assistant", "A ball."),), 1, (Segment(2, 6, 2, 6, "object"),), "llava")
    tie = Response((Turn("assistant", "A cup."),), 1)
    prompt = (Turn("system", "Be brief."), Turn("user", "<image><image>Same?"))
    record = Record(
        "a",
        ("a.png", "b.png"),
        prompt,
        (Response((Turn("assistant", "A cube."),), 0), worse, tie),
        "s",
        "CC0",
        {"x": [1]},
    )
    (back,) = travel([record], tmp_path, tmp_path / "1", name)
    assert back.responses == record.responses
    assert (back.prompt, back.source, back.license, back.meta) == (prompt, "s", "CC0", {"x": [1]})
    assert len(back.images) == 2
    assert travel([back], tmp_path / "1" / "out", tmp_path / "2", name) == [back]


def write_sources(folder: Path) -> dict[str, Path]:
    save_pictures(folder, "a.png")
    rated = vlfeedback_row(("5", "5", "5"), ("4", "4", "4"), ("4", "4", "4"), ("1", "1", "x"))
    (folder / "RLHF-V-1.tsv").write_bytes(tsv_line("What?", "A cube.", "A ball."))
    return {
        "rlaifv": write_parquet(folder / "a.parquet", [rlaifv_row()]),
        "rlhfv-tsv": folder / "RLHF-V-1.tsv",
        "vlfeedback": write_lines(folder / "v.jsonl", [rated]),
        "amp": write_lines(folder / "amp.jsonl", [amp_row("A cube.", "A ball.", "A cat.")]),
        "llava-rlhf": write_lines(folder / "l.jsonl", [llava_rlhf_row()]),
        "trl": write_lines(
            folder / "t.jsonl", [{"prompt": "What?", "chosen": "A.", "rejected": "B.", "image": "a.png"}]
        ),
        "conversations": write_lines(
            folder / "c.jsonl",
            [{"image": "a.png", "messages": [{"role": r, "content": "Hi"} for r in ("user", "assistant")]}],
        ),
    }


@pytest.mark.parametrize("name", ["rlaifv", "rlhfv-tsv", "vlfeedback", "amp", "llava-rlhf", "trl", "conversations"])
def test_what_comes_from_anywhere_survives_our_parquet(tmp_path, name):
    first = read_records(import_records(write_sources(tmp_path)[name], tmp_path / "one").path)
    assert first
    export_records(first, tmp_path / "one", tmp_path / "two", format="parquet")
    second = load_records(tmp_path / "two" / "data" / "train-00000-of-00001.parquet", import_dir=tmp_path / "three")
    assert second.records == first
    for record in second.records:
        assert all(open_image(image, second.image_root).size == (4, 3) for image in record.images)


@pytest.mark.parametrize(("name", "through"), [("rlhfv-tsv", "rlhfv"), ("rlaifv", "rlaifv"), ("amp", "amp")])
def test_released_rows_survive_the_format_that_they_came_in(tmp_path, name, through):
    first = read_records(import_records(write_sources(tmp_path)[name], tmp_path / "one").path)
    assert travel(first, tmp_path / "one", tmp_path / "two", through) == first


def test_an_export_streams_from_the_records_it_is_given(tmp_path):
    save_pictures(tmp_path, "a.png")
    answers = tuple(Response((Turn("assistant", text),), i) for i, text in enumerate(("A.", "B.")))
    records = [Record(f"r{i}", ("a.png",), (Turn("user", "What?"),), answers) for i in range(100)]
    write_records(tmp_path / "r.jsonl", records)
    done = export_records(iter(records), tmp_path, tmp_path / "x.jsonl", format="errata")
    assert done.rows == 100
    assert [record.id for record in read_records(tmp_path / "x.jsonl")] == [record.id for record in records]
