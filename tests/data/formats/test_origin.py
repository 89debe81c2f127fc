"""A source and a licence are those that a row or its file states, or the user; names of columns prove nothing."""

from __future__ import annotations

import json

import pytest

from errata.cli import main
from errata.data import import_records
from errata.records import read_records
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

PAIR = {"image": "a.png", "question": "Q?", "chosen": "A.", "rejected": "B."}
TURNS = [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}]
UNSIGNED = {
    "RLAIF-V's columns": PAIR,
    "without a name": PAIR | {"ds_name": None, "origin_dataset": "COCO", "idx": "3"},
    "RLHF-V's columns": {"image": "a.png", "text": json.dumps({"question": "Q?", "chosen": "A.", "rejected": "B."})},
    "a name that only resembles": PAIR | {"ds_name": "RLHF-V-like rows of mine"},
    "AMP's": amp_row("A.", "B."),
    "LLaVA-RLHF's": llava_rlhf_row(),
    "VLFeedback's": vlfeedback_row(("5", "5", "5"), ("4", "4", "4")),
    "VQAv2's": {"image": "a.png", "question": "Q?", "question_id": 1, "answers": ["a"]},
    "TRL's": {"prompt": "Q?", "chosen": "A.", "rejected": "B."},
    "ms-swift's": {"messages": TURNS, "rejected_response": "B."},
    "LLaMA-Factory's": {"messages": TURNS[:1], "chosen": TURNS[1], "rejected": "B."},
    "conversations": {"messages": TURNS},
}


def imported(folder, row, **options):
    save_pictures(folder, "a.png")
    return read_records(import_records(write_lines(folder / "rows.jsonl", [row]), folder / "out", **options).path)[0]


@pytest.mark.parametrize("name", UNSIGNED)
def test_columns_alone_make_no_source_and_no_licence(tmp_path, name):
    record = imported(tmp_path, UNSIGNED[name])
    stated = UNSIGNED[name].get("ds_name")
    assert (record.source, record.license) == (stated, None)
    record = imported(tmp_path, UNSIGNED[name], license="MIT", from_source="mine")
    assert (record.source, record.license) == (stated or "mine", "MIT")


@pytest.mark.parametrize("name", [name for name in UNSIGNED if name not in ("a name that only resembles",)])
def test_what_a_row_states_is_kept(tmp_path, name):
    record = imported(tmp_path, UNSIGNED[name] | {"source": "theirs", "license": "CC0"}, license="MIT")
    assert record.license == "CC0"
    assert record.source == "theirs" or "RLHF-V's" in name or "without a name" in name


@pytest.mark.parametrize("name", ["RLHF-V", "RLHF-V-Hall_v0", "RLAIF-V", "RLAIF-V-Dataset"])
def test_a_row_that_names_its_release_has_the_release_s_licence(tmp_path, name):
    record = imported(tmp_path, PAIR | {"ds_name": name, "origin_dataset": "COCO", "idx": "3"})
    assert (record.id, record.source, record.license) == (f"{name}-3", name, "CC BY-NC 4.0")


def test_the_command_says_where_rows_keep_their_own(tmp_path, capsys):
    write_parquet(tmp_path / "a.parquet", [rlaifv_row()])
    command = ["data", "import", str(tmp_path / "a.parquet"), "--out", str(tmp_path / "out")]
    assert main([*command, "--license", "MIT", "--source", "mine"]) == 0
    told = capsys.readouterr().out
    assert "licences that rows state themselves, and keep (1)" in told
    assert "sources that rows state themselves, and keep (1)" in told
    (record,) = read_records(tmp_path / "out" / "records.jsonl")
    assert (record.source, record.license) == ("RLAIF-V", "CC BY-NC 4.0")


def test_the_legacy_table_states_its_name(tmp_path):
    (tmp_path / "a-1.tsv").write_bytes(tsv_line("Q?", "A.", "B."))
    (record,) = read_records(import_records(tmp_path / "a-1.tsv", tmp_path / "out").path)
    assert (record.source, record.license) == ("RLHF-V", "CC BY-NC 4.0")


def test_records_without_a_source_come_back_without_one(tmp_path):
    from errata.data import export_records

    record = imported(tmp_path, PAIR | {"id": "mine"})
    for name in ("rlhfv", "rlaifv"):
        export_records([record], tmp_path / "out", tmp_path / f"{name}.parquet", format=name)
        (back,) = read_records(import_records(tmp_path / f"{name}.parquet", tmp_path / name).path)
        assert (back.id, back.source, back.license) == ("mine", None, None)
