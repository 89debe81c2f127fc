"""Safe repairs: what they change, what they leave as it is, and that nothing is lost."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from errata.cli import main
from errata.corrections import apply_segments, diff_segments
from errata.data import check_file, repair_file
from errata.data.checks.repair_row import clean_texts, count_levels_anew, remove_nul, to_nfc
from errata.errors import DataError
from errata.records import parse_record, read_records


def row(name: str, better: str = "A red cube.", worse: str = "A red ball.", segments=(), **fields):
    responses = [{"level": 0, "text": better}, {"level": 1, "text": worse, "segments": list(segments)}]
    return {"id": name, "images": [], "prompt": f"What is {name}?", "responses": responses} | fields


def spans(start, end, better_start, better_end, **more):
    return {"start": start, "end": end, "better_start": better_start, "better_end": better_end} | more


@pytest.fixture
def write(tmp_path):
    def run(*rows):
        path = tmp_path / "a.jsonl"
        lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in rows]
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path

    return run


def test_every_repair_and_nothing_else(write):
    good = b'{"prompt":"What?",  "id":"good","images":[],"responses":[{"level":0,"text":"A."},{"level":1,"text":"B."}]}'
    broken = b'{"id": "half'
    path = write(
        good,
        row("nul", "A red\0 cube.", "A \0red ball.", [spans(7, 11, 7, 11, type="object")]),
        broken,
        row("levels", responses=[{"level": 7, "text": "C."}, {"level": 3, "text": "A."}, {"level": 3, "text": "B."}]),
        row("outside", segments=[spans(6, 10, 6, 10, type="object"), spans(2, 99, 2, 5)]),
        row("nul", "A red\0 cube.", "A \0red ball.", [spans(7, 11, 7, 11, type="object")]),
        row("nfd", "A cafe\u0301.", "A bar.", [spans(2, 5, 2, 7)]),
    )
    before = path.read_bytes()
    repaired = repair_file(path)
    assert [(repair.kind, repair.where.rpartition(":")[2]) for repair in repaired.repairs] == [
        ("nul", "2"),
        ("levels", "4"),
        ("segment", "5"),
        ("duplicate", "6"),
    ]
    assert repaired.backup is not None
    assert repaired.backup.read_bytes() == before
    lines = path.read_bytes().splitlines()
    assert (lines[0], lines[2]) == (good, broken)
    records = [parse_record(json.loads(line), "") for line in lines if line != broken]
    assert [response.text for response in records[1].responses] == ["A red cube.", "A red ball."]
    (segment,) = records[1].responses[1].segments
    assert (segment.start, segment.end, segment.better_start, segment.better_end, segment.type) == (
        6,
        10,
        6,
        10,
        "object",
    )
    assert [(response.level, response.text) for response in records[2].responses] == [(0, "A."), (0, "B."), (1, "C.")]
    (segment,) = records[3].responses[1].segments
    assert (segment.start, segment.end, segment.type) == (6, 10, "object")
    assert records[4].responses[0].text == "A cafe\u0301."
    again = repair_file(path)
    assert (again.repairs, again.backup) == ([], None)


def test_nfc_only_when_asked_and_to_another_file(write, tmp_path):
    path = write(row("nfd", "A cafe\u0301.", "A bar.", [spans(2, 5, 2, 7)]))
    before = path.read_bytes()
    assert repair_file(path).repairs == []
    repaired = repair_file(path, tmp_path / "new" / "b.jsonl", nfc=True)
    assert [repair.kind for repair in repaired.repairs] == ["not-nfc"]
    (record,) = read_records(tmp_path / "new" / "b.jsonl")
    assert record.responses[0].text == "A caf\u00e9."
    assert record.responses[1].segments[0].better_end == 6
    assert path.read_bytes() == before


def test_backups_are_never_overwritten(write):
    path = write(row("a", "A\0 cube."))
    path.with_name("a.jsonl.bak").write_text("mine")
    assert repair_file(path, path).backup == path.with_name("a.jsonl.bak2")
    assert path.with_name("a.jsonl.bak").read_text() == "mine"


def test_a_repair_that_would_break_a_row_is_not_made(write):
    path = write(row("a", "A cube.", "A \0cube."))
    assert repair_file(path).repairs == []
    assert [finding.kind for finding in check_file(path, images=False).findings] == ["no-segments", "no-image", "nul"]


def test_rows_of_any_form_are_left_alone(write):
    rows = [b"[]", b"7", b'{"responses": 3}', b'{"prompt": 1, "responses": [{"level": "x"}]}', b'{"responses": [[]]}']
    path = write(*rows)
    assert repair_file(path).repairs == []
    assert path.read_bytes().splitlines() == rows


def test_conversations_are_refused(write):
    path = write({"conversations": []})
    with pytest.raises(DataError, match="conversations"):
        repair_file(path)


def test_the_command_says_what_it_did_and_checks_what_is_left(write, capsys):
    path = write(row("a", "A\0 cube.", "A cone.", [spans(2, 6, 3, 7)], images=["a.png"]), b"oops")
    assert main(["data", "check", str(path), "--fix", "--no-images"]) == 3
    output = capsys.readouterr().out
    assert "repaired nul (1)" in output
    assert f"before: {path}.bak" in output
    assert output.splitlines()[-1] == "1 record in 2 rows, 1 json"


DAMAGED_TEXTS = st.sampled_from(["A cat.", "A \0cat.", "A cafe\u0301.", "A caf\u00e9.", "A red\0 dog.", "\0", ""])
OFFSETS = st.integers(0, 7)
DAMAGED_ANSWERS = st.fixed_dictionaries(
    {
        "level": st.integers(0, 3),
        "text": DAMAGED_TEXTS,
        "segments": st.lists(st.builds(spans, OFFSETS, OFFSETS, OFFSETS, OFFSETS), max_size=2),
    }
)
DAMAGED_ROWS = st.fixed_dictionaries(
    {
        "id": st.sampled_from("ab"),
        "images": st.just([]),
        "prompt": st.sampled_from(["What?", "What\0?"]),
        "responses": st.lists(DAMAGED_ANSWERS, min_size=1, max_size=3),
    }
)


@settings(deadline=None)
@given(st.lists(DAMAGED_ROWS, min_size=1, max_size=4), st.booleans())
@example([row("a"), row("a", worse="A red\0 ball.")], False)
def test_a_second_repair_finds_nothing_and_no_row_is_lost(rows, nfc):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in rows))
        repaired = repair_file(path, nfc=nfc)
        left_out = sum(repair.kind == "duplicate" for repair in repaired.repairs)
        lines = path.read_text().splitlines()
        assert len(lines) == len(rows) - left_out == len(set(lines))
        assert [json.loads(line)["id"] for line in lines] == list_first_ids(rows, repaired.repairs)
        assert repair_file(path, nfc=nfc).repairs == []


def list_first_ids(rows, repairs):
    """The ids of all rows but those that a repair names as duplicates."""
    left_out = {int(repair.where.rpartition(":")[2]) for repair in repairs if repair.kind == "duplicate"}
    return [one["id"] for number, one in enumerate(rows, 1) if number not in left_out]


TEXTS = st.text(alphabet="ab \0e\u0301각é.", min_size=1, max_size=20)


@given(TEXTS, TEXTS, st.sampled_from([remove_nul, to_nfc]))
def test_segments_follow_their_texts(own, better, clean):
    segments = [
        {"start": s.start, "end": s.end, "better_start": s.better_start, "better_end": s.better_end}
        for s in diff_segments(own, better)
    ]
    cleaned = clean_texts(row("a", better, own, segments), clean)["responses"]
    texts = [response["text"] for response in cleaned]
    assert texts == [clean(better), clean(own)]
    for segment in cleaned[1]["segments"]:
        assert 0 <= segment["start"] <= segment["end"] <= len(texts[1])
        assert 0 <= segment["better_start"] <= segment["better_end"] <= len(texts[0])
    if clean is remove_nul and all(texts):
        from errata.records import Segment

        found = [Segment(**segment) for segment in cleaned[1]["segments"]]
        assert apply_segments(texts[1], found, texts[0]) == texts[0]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_levels_keep_their_order_and_ties(levels):
    before = {"responses": [{"level": level, "text": str(place)} for place, level in enumerate(levels)]}
    after = [(r["level"], r["text"]) for r in count_levels_anew(before)["responses"]]
    ranks = [rank for rank, _ in after]
    assert ranks == sorted(ranks)
    assert set(ranks) == set(range(len(set(levels))))
    for rank, place in after:
        for other_rank, other in after:
            assert (rank < other_rank) == (levels[int(place)] < levels[int(other)])
