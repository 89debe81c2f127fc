"""`errata data import --columns`, and the desks' formats from the command line."""

from __future__ import annotations

import json

import pytest

import tiny_models
from errata.cli import main
from errata.cli.data_transfer import read_columns
from errata.errors import ConfigError
from errata.records import read_records


def test_a_map_is_read_and_a_comma_may_stand_in_a_column():
    assert read_columns(["prompt=question,chosen=a", "rejected=b, c,image=my file"]) == {
        "prompt": "question",
        "chosen": "a",
        "rejected": "b, c",
        "image": "my file",
    }


@pytest.mark.parametrize("text", ["prompt", "=question", "prompt=", "prompt=a,prompt=b", ""])
def test_another_form_is_an_error(text):
    with pytest.raises(ConfigError, match="--columns"):
        read_columns([text])


def test_a_table_comes_in_and_goes_out_for_llama_factory(tmp_path, capsys):
    tiny_models.save_images(tmp_path, 1)
    table = tmp_path / "mine.csv"
    table.write_text("question,a,b,file,town\nWhat is it?,A red bus.,A blue bus.,image0.png,Bonn\nQ,A.,B.,none.png,x\n")
    command = ["data", "import", str(table), "--out", str(tmp_path / "in")]
    command += ["--columns", "prompt=question,chosen=a,rejected=b", "--columns", "image=file"]
    assert main(command) == 2
    assert f"{table}:3" in capsys.readouterr().err
    assert main([*command, "--skip-bad"]) == 3
    (record,) = read_records(tmp_path / "in" / "records.jsonl")
    assert record.meta == {"town": "Bonn"}
    export = ["data", "export", str(tmp_path / "in"), "--format", "llama-factory", "--out", str(tmp_path / "pairs")]
    assert main(export) == 0
    entries = json.loads((tmp_path / "pairs" / "dataset_info.json").read_text())
    (row,) = json.loads((tmp_path / "pairs" / entries["pairs"]["file_name"]).read_text())
    assert row["rejected"] == {"from": "gpt", "value": "A blue bus."}
    assert (tmp_path / "pairs" / row["images"][0]).is_file()
    assert main(["data", "import", str(tmp_path / "pairs"), "--out", str(tmp_path / "again")]) == 0
    assert read_records(tmp_path / "again" / "records.jsonl") == [record]


def test_a_misspelt_name_says_the_near_one(tmp_path, capsys):
    table = tmp_path / "mine.csv"
    table.write_text("q,a\nQ,A.\n")
    assert main(["data", "import", str(table), "--out", str(tmp_path / "in"), "--columns", "promt=q,answer=a"]) == 2
    assert "did you mean 'prompt'" in capsys.readouterr().err
