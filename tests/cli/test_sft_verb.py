"""`errata sft` on conversations about synthetic scenes: it learns, continues after a kill, and names bad rows."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from safetensors.torch import load_file

from errata.cli import main
from errata.storage import write_json_lines
from struck import run_struck
from world_input import WorldInput, write_world_input


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    """The world's images with `talks.json` (an array) and `texts.jsonl` (messages without images) beside them."""
    world = write_world_input(tmp_path_factory.mktemp("world"))
    rows = [build_row(number, image) for number, image in enumerate(world.images)]
    (world.root / "talks.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    write_json_lines(world.root / "texts.jsonl", [build_text(number) for number in range(4)])
    return world


def build_row(number: int, image: str) -> dict:
    """Two rounds about a picture for even numbers, one for odd ones."""
    row = world_answer(number)
    turns = [("human", "<image>\nDescribe the image."), ("gpt", row), ("human", "Is there a cat in the image?")]
    turns = [*turns, ("gpt", "No.")] if number % 2 == 0 else turns[:2]
    return {"id": "same", "image": image, "conversations": [{"from": who, "value": text} for who, text in turns]}


def build_text(number: int) -> dict:
    messages = [{"role": "user", "content": "Describe."}, {"role": "assistant", "content": world_answer(number)}]
    return {"messages": messages}


def world_answer(number: int) -> str:
    return f"top: a {('red', 'blue', 'green')[number % 3]} dog."


def sft(world: WorldInput, out: Path, *more, data: str = "talks.json") -> list[str]:
    common = ["records_per_step=4", "num_train_epochs=3", "save_steps=1", "learning_rate=1e-3", "logging_steps=1"]
    common += ["disable_tqdm=true", "model.device=cpu", *map(str, more)]
    return ["sft", "sft", f"model.name={world.model}", f"data={world.root / data}", *common, "--out", str(out)]


def read_log(out: Path, name: str) -> list[float]:
    rows = map(json.loads, (out / "log.jsonl").read_text().splitlines())
    return [row[name] for row in rows if name in row]


def same_weights(one: Path, other: Path) -> bool:
    first, second = (load_file(out / "model" / "model.safetensors") for out in (one, other))
    return first.keys() == second.keys() and all(value.equal(second[name]) for name, value in first.items())


@pytest.mark.parametrize("more", [[], ["lora.r=4", "learning_rate=1e-2"]], ids=["full", "lora"])
def test_the_answers_become_likelier_and_no_reference_is_needed(world, tmp_path, more, capsys):
    judged = [f"eval_data={world.root / 'talks.json'}", "eval_strategy=epoch", "eval_on_start=true"]
    assert main(sft(world, tmp_path, *judged, *more)) == 0
    assert "6 steps: " in capsys.readouterr().out
    before, *_, after = read_log(tmp_path, "eval_loss")
    assert after < 0.7 * before
    assert not (tmp_path / "reference").exists()
    assert (tmp_path / "model" / ("adapter_model.safetensors" if more[:1] else "model.safetensors")).is_file()


@pytest.mark.slow
def test_a_killed_run_on_a_mixture_continues_to_the_same_weights(world, tmp_path):
    mixture = f"data=[{{path: {world.root}/talks.json}}, {{path: {world.root}/texts.jsonl, weight: 1.5}}]"
    command = ["num_train_epochs=2", mixture]
    assert main(sft(world, tmp_path / "whole", *command)) == 0
    assert run_struck(sft(world, tmp_path / "out", *command), "while_saving", tmp_path / "log", 3) == -signal.SIGKILL
    assert not (tmp_path / "out" / "model").exists()
    assert (tmp_path / "out" / "checkpoint-3" / "trainer_state.json").exists()
    assert main(sft(world, tmp_path / "out", *command)) == 0
    assert read_log(tmp_path / "out", "loss") == read_log(tmp_path / "whole", "loss")
    assert same_weights(tmp_path / "out", tmp_path / "whole")


def test_the_recipe_means_the_same_under_both_verbs(world, tmp_path, capsys):
    command = sft(world, tmp_path, "max_steps=1")
    assert main(command) == 0
    assert main(["train", *command[1:]]) == 0  # the same settings: the run is finished
    assert capsys.readouterr().out.count("1 step: ") == 2


@pytest.mark.parametrize("more", [["objective=dpo"], ["objective=simpo"]])
def test_an_objective_that_compares_is_refused(world, tmp_path, more, capsys):
    assert main(sft(world, tmp_path, *more)) == 2
    assert f"objective: '{more[0][10:]}'; expected one that compares nothing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def change_turns(*turns: tuple[str, str]) -> dict:
    return {"conversations": [{"from": who, "value": text} for who, text in turns]}


BAD = {
    "begins with an answer": (change_turns(("gpt", "a dog."), ("human", "What?")), "{file}:3: turn 0: one of the"),
    "empty answer": (change_turns(("human", "What?"), ("gpt", " ")), "{file}:3: turn 1: an empty turn"),
    "two questions": (change_turns(("human", "What?"), ("human", "?"), ("gpt", "a dog.")), "{file}:3: turn 1: one of"),
    "placeholders": (change_turns(("human", "<image><image>?"), ("gpt", "a dog.")), "{file}:3: record 'same': 2 place"),
    "escape": ({"image": "../secret.png"}, "{file}:3: ../secret.png: it leads to"),
    "missing image": ({"image": "images/none.png"}, "record 'same.2': images/none.png: No such file"),
    "special token": (change_turns(("human", "What?"), ("gpt", "a dog.</s>")), "the token '</s>'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_before_the_first_step(world, tmp_path, name, capsys):
    fields, words = BAD[name]
    rows = json.loads((world.root / "talks.json").read_text())
    rows[1] |= fields
    data = world.root / f"{name.replace(' ', '-')}.json"
    data.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n", encoding="utf-8")
    command = sft(world, tmp_path, "max_steps=1", data=data.name)
    assert main(command) == 2
    error = capsys.readouterr().err
    assert words.replace("{file}", str(data)) in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("checkpoint-*"))
    assert main([*command, "--skip-bad"]) == 3
    assert "1 record set aside" in capsys.readouterr().err
