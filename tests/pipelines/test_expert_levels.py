"""`errata feedback meg`: models and endpoints asked one after another, continued after a kill, failures by name."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from endpoint_server import EndpointServer, Fault
from errata.cli.main import main
from errata.data.shaping import find_records
from errata.endpoints import EndpointSettings
from errata.errors import DONE, INCOMPLETE, USAGE
from errata.feedback import LevelSettings
from errata.pipelines.feedback.expert_levels import Asking, collect_expert_levels
from errata.records import read_answers, read_records
from errata.world import base_folder
from struck import run_struck
from world_input import WorldInput, write_world_input

QUICK = EndpointSettings(concurrency=2, timeout_s=5, max_attempts=2, backoff_s=0.01, give_up_s=5)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    return write_world_input(tmp_path_factory.mktemp("world"))


def meg(world: WorldInput, out: Path, *models: str, more: tuple[str, ...] = ()) -> list[str]:
    sampling = ["--max-tokens", "64", "--batch-size", "2"]
    return ["feedback", "meg", str(world.records), "--models", *models, *sampling, *more, "--out", str(out)]


def read_out(out: Path) -> dict[str, bytes]:
    """Everything that was written, by path; settings name no time and no machine."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory) -> Path:
    """Two bases below the standard answers."""
    out = tmp_path_factory.mktemp("meg") / "out"
    assert main(meg(world, out, str(base_folder("large")), str(base_folder("small")))) == DONE
    return out


def test_bases_of_two_sizes_make_sets_that_data_check_takes(world, whole, capsys):
    records = read_records(whole / "records.jsonl")
    assert [record.id for record in records] == [f"r{n}" for n in range(8)]
    large, small = (str(base_folder(name)) for name in ("large", "small"))
    models = {tuple(one.model for one in record.responses) for record in records}
    assert models == {(None, large, small), (None, large)}  # without sampling the two say the same now and then
    assert all(one.segments for record in records for one in record.responses[1:])
    assert main(["data", "check", str(whole / "records.jsonl")]) in (DONE, INCOMPLETE)
    summary = json.loads((whole / "feedback.json").read_text())
    for row in summary["report"]["experts"]:
        assert sum(count for what, count in row.items() if what != "name") == 8
    assert summary["settings"]["generation"]["max_tokens"] == 64
    assert summary["style"]["pairs"] > 0


def test_a_killed_run_goes_on_and_ends_in_the_same_folder(world, whole, tmp_path):
    command = meg(world, tmp_path / "out", str(base_folder("large")), str(base_folder("small")))
    assert run_struck(command, "while_answering", tmp_path / "log", 6) == -signal.SIGKILL
    assert not (tmp_path / "out" / "records.jsonl").exists()
    assert main(command) == DONE
    assert read_out(tmp_path / "out") == read_out(whole)


def test_the_same_command_asks_nothing_again_and_other_settings_are_refused(world, whole, capsys):
    before = read_out(whole)
    command = meg(world, whole, str(base_folder("large")), str(base_folder("small")))
    assert main(command) == DONE
    assert read_out(whole) == before
    assert main([*command, "--beams", "2"]) == USAGE
    assert "num_beams was 1 and is now 2" in capsys.readouterr().err


def fail_some(number: int, seen: object) -> Fault | None:
    """A server that dies half-way: from its fifth request on nothing is answered."""
    return Fault("status", 400) if number >= 4 else None


def test_an_endpoint_that_dies_half_way_is_asked_again_for_the_rest(world, tmp_path, capsys):
    out = tmp_path / "out"
    with EndpointServer(lambda seen: "top: a blue dog.", fault=fail_some) as server:
        command = meg(world, out, f"openai:tiny@{server.url}", more=("--concurrency", "1"))
        assert main(command) == INCOMPLETE
        printed = capsys.readouterr()
        assert "openai:tiny: 4 usable, 4 no answer" in printed.out
        assert "4  no answer of openai:tiny" in printed.out
        assert "4  kept" in printed.out
    rows = [json.loads(line) for line in (out / "bad.jsonl").read_text().splitlines()]
    assert {(row["reason"], row["failed"]) for row in rows} == {("no answer of openai:tiny", True)}
    assert all(row["detail"].startswith("bad request") for row in rows)
    with EndpointServer(lambda seen: "top: a blue dog.") as server:  # another address, the same model
        assert main(meg(world, out, f"openai:tiny@{server.url}")) == DONE
        assert len(server.seen) == 4
    assert len(read_records(out / "records.jsonl")) == 8
    assert not (out / "bad.jsonl").exists()


def test_a_level_that_failed_ends_with_3_though_every_prompt_has_its_record(world, tmp_path, capsys):
    with EndpointServer(lambda seen: "top: a blue dog.", fault=fail_some) as server:
        models = (str(base_folder("small")), f"openai:tiny@{server.url}")
        assert (
            main(meg(world, tmp_path / "out", *models, more=("--concurrency", "1", "--missing", "shorter")))
            == INCOMPLETE
        )
    records = read_records(tmp_path / "out" / "records.jsonl")
    assert [len(record.responses) for record in records] == [3] * 4 + [2] * 4
    assert records[4].meta["missing_levels"] == {"openai:tiny": "no answer"}


def test_a_reply_without_choices_is_a_missing_level_by_name(world, tmp_path):
    asking = Asking(endpoint=QUICK, levels=LevelSettings("shorter"))
    with EndpointServer(fault=lambda number, seen: Fault("reply", reply={"choices": []})) as bad:
        models = [f"openai:none@{bad.url}"]
        with EndpointServer(lambda seen: "top: a blue dog.") as good:
            models.append(f"openai:tiny@{good.url}")
            feedback = collect_expert_levels(find_records(world.records), models, tmp_path / "out", asking)
    assert feedback.report["experts"][0] == {"name": "openai:none", "no answer": 8}
    assert feedback.lost == 8
    assert feedback.tally.adds_up
    assert {record.levels for record in feedback.records} == {(0, 1)}
    assert feedback.records[0].meta["missing_levels"] == {"openai:none": "no answer"}


def test_a_model_that_does_not_load_costs_none_of_the_answers_before(world, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(meg(world, out, str(base_folder("small")), str(tmp_path / "nothing"))) == USAGE
    (answers,) = (out / "answers").glob("*.jsonl")
    assert len(read_answers(answers)) == 8
    assert not (out / "records.jsonl").exists()


@pytest.mark.parametrize(
    ("models", "words"),
    [(["a"] * 2, "a twice"), (list("abcde"), "5 models"), (["openai:m@http://a/v1", "openai:m@http://b/v1"], "twice")],
)
def test_numbers_of_models_are_refused_before_any_is_asked(world, tmp_path, models, words, capsys):
    assert main(meg(world, tmp_path / "out", *models)) == USAGE
    assert words in capsys.readouterr().err
    assert main(meg(world, tmp_path / "out", "a", more=("--least", "3"))) == USAGE
    assert "least: 3; expected at most the 2 levels" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_folder_that_is_read_is_not_written(world, capsys):
    before = world.records.read_bytes()
    assert main(meg(world, world.root, str(base_folder("small")))) == USAGE
    assert "the one being read" in capsys.readouterr().err
    assert world.records.read_bytes() == before
    assert not (world.root / "answers").exists()
