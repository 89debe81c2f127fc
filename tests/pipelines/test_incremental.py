"""`errata feedback ig`: copies tuned on growing shares, their answers in the order of the data, resumable."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from errata.cli.main import main
from errata.data import LoadedRecords
from errata.errors import DONE, INTERRUPTED, USAGE, ConfigError, DataError
from errata.pipelines.incremental.levels import Tuning, split_shares
from errata.records import Record, Response, Turn, read_records, write_records
from struck import run_struck
from world_input import PROMPT, WorldInput, write_world_input


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    """The world's prompts with `instructions.jsonl` beside them: six answers of another kind than the base gives."""
    world = write_world_input(tmp_path_factory.mktemp("world"))
    write_records(
        world.root / "instructions.jsonl", [make_instruction(n, image) for n, image in enumerate(world.images[:6])]
    )
    return world


def make_instruction(number: int, image: str) -> Record:
    text = " ".join([f"{('top', 'bottom')[number % 2]}: a red dog."] * (1 + number))
    return Record(f"i{number}", (image,), PROMPT, (Response((Turn("assistant", text),), 0),))


def ig(world: WorldInput, out: Path, *more: object) -> list[str]:
    command = [
        "feedback",
        "ig",
        str(world.records),
        world.model,
        "--instructions",
        str(world.root / "instructions.jsonl"),
    ]
    training = ["model.device=cpu", "records_per_step=2", "num_train_epochs=4", "learning_rate=3e-3", "save_steps=1"]
    asking = ["--max-tokens", "64", "--batch-size", "4"]
    return [*command, "--shares", "2", *asking, "--out", str(out), *training, *map(str, more)]


def read_out(out: Path) -> dict[str, bytes]:
    """What was written, by path; answers name the folder of the copy that gave them."""
    files = [out / "records.jsonl", out / "feedback.json", *(out / "answers").glob("*.jsonl")]
    return {path.name: path.read_bytes().replace(str(out).encode(), b"OUT") for path in files}


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("ig") / "out"
    assert main(ig(world, out)) == DONE
    return out


def test_more_data_stands_higher_and_the_untouched_model_last(world, whole):
    summary = json.loads((whole / "feedback.json").read_text())
    copies = [f"{world.model}, tuned on {count} of 6" for count in (6, 3)]
    assert [row["name"] for row in summary["report"]["experts"]] == [*copies, world.model]
    assert [(row["instructions"], row["set_aside"]) for row in summary["report"]["shares"]] == [(3, 0), (6, 0)]
    records = read_records(whole / "records.jsonl")
    order = [None, *copies, world.model]
    for record in records:
        assert [one.model for one in record.responses] == sorted(
            (one.model for one in record.responses), key=order.index
        )
    answers = {path.name: path.read_bytes() for path in (whole / "answers").glob("*.jsonl")}
    assert len(answers) == 3
    texts = {tuple(json.loads(line)["text"] for line in data.splitlines()) for data in answers.values()}
    assert len(texts) == 3  # the copies learnt something, and not the same


def test_shares_are_nested_and_each_training_starts_from_the_pretrained_model(world, whole):
    small, large = (read_records(whole / "training" / name / "instructions.jsonl") for name in ("1-of-2", "2-of-2"))
    assert {record.id for record in small} < {record.id for record in large}
    assert len(large) == 6
    for name in ("1-of-2", "2-of-2"):
        assert f"name: {world.model}" in (whole / "training" / name / "settings.yaml").read_text()


def test_a_finished_folder_is_left_as_it_is(world, whole):
    before = read_out(whole)
    times = {path: path.stat().st_mtime_ns for path in (whole / "training").rglob("model/*")}
    assert times
    assert main(ig(world, whole)) == DONE
    assert read_out(whole) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize(("strike", "at"), [("while_saving", 2), ("while_answering", 3)])
@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_records(world, whole, tmp_path, strike, at):
    assert run_struck(ig(world, tmp_path / "out"), strike, tmp_path / "log", at) == -signal.SIGKILL
    assert not (tmp_path / "out" / "records.jsonl").exists()
    assert main(ig(world, tmp_path / "out")) == DONE
    again, before = read_out(tmp_path / "out"), read_out(whole)
    assert again == before


def make_loaded(count: int) -> LoadedRecords:
    return LoadedRecords([make_instruction(n, "a.png") for n in range(count)], Path())


def test_parts_are_even_seeded_and_grow():
    loaded = make_loaded(10)
    tuning = Tuning("m", Path("i.jsonl"))
    shares = [[record.id for record in share] for share in split_shares(loaded, tuning)]
    assert list(map(len, shares)) == [3, 6, 10]
    assert set(shares[0]) < set(shares[1]) < set(shares[2])
    assert shares[2] == [record.id for record in loaded.records]
    assert split_shares(loaded, tuning)[0] == split_shares(loaded, tuning)[0]
    assert split_shares(loaded, Tuning("m", Path("i.jsonl"), seed=1))[0] != split_shares(loaded, tuning)[0]


@pytest.mark.parametrize("count", [0, 2])
def test_fewer_instructions_than_shares_are_named(count):
    with pytest.raises(DataError, match=f"i.jsonl: {count}; expected at least 3 instructions, one for each share"):
        split_shares(make_loaded(count), Tuning("m", Path("i.jsonl")))


def test_bad_input_is_named_before_a_step_is_made(world, tmp_path, capsys):
    few = world.root / "few.jsonl"
    write_records(few, [make_instruction(0, world.images[0])])
    cases = {
        "at least 2 instructions": ["--instructions", few],
        "shares: 4; expected 1 to 3": ["--shares", "4"],
        "override 'data=x.json': one that this command makes": ["data=x.json"],
        "unknown key 'learning_rat'": ["learning_rat=1"],
    }
    for words, more in cases.items():
        assert main(ig(world, tmp_path / "out", *more)) == USAGE
        assert words in capsys.readouterr().err
    assert not list(tmp_path.rglob("checkpoint-*"))
    with pytest.raises(ConfigError):
        Tuning("m", few, shares=0)


@pytest.mark.slow
def test_a_signal_ends_in_130_and_the_same_command_continues(world, whole, tmp_path):
    assert run_struck(ig(world, tmp_path / "out"), "while_told_to_stop", tmp_path / "log", 3) == INTERRUPTED
    assert "the same command continues" in (tmp_path / "log").read_text()
    assert main(ig(world, tmp_path / "out")) == DONE
    assert read_out(tmp_path / "out") == read_out(whole)
