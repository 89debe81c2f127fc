"""Bad input through the command: four parts, exit code 2, no traceback, and nothing that was there is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from damaged_files import cut_off, huge_png
from errata.cli import main
from world_input import WorldInput, write_world_input


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    return write_world_input(tmp_path_factory.mktemp("world"))


@pytest.fixture
def fails(capsys, monkeypatch):
    """Run a command that must fail by the house rules; returns its error."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(*arguments, code=2):
        assert main([str(argument) for argument in arguments]) == code
        output = capsys.readouterr().err
        assert "Traceback" not in output
        error = next(line for line in output.splitlines() if line.startswith("error: "))
        assert "; expected " in error
        return error

    return run


def train(world, data, out, *more):
    common = ["records_per_step=4", "max_steps=1", "disable_tqdm=true", "model.device=cpu", f"image_root={world.root}"]
    return ["train", "ddpo", f"model.name={world.model}", f"data={data}", *common, "--out", str(out), *map(str, more)]


def generate(world, out, *more, model=None):
    command = ["generate", model or world.model, world.questions, "--image-root", world.root, "--max-tokens", "4"]
    return [*map(str, command), "--out", str(out), *map(str, more)]


def evaluate(world, out, *more, model=None):
    command = ["eval", model or world.model, "--annotations", world.annotations, "--max-tokens", "2", "--out", out]
    return [*map(str, command), *map(str, more)]


# Records and images


def _answers(row, worse):
    return row | {"responses": [row["responses"][0], {"level": 1, "text": worse}]}


def _tie(row):
    return row | {"responses": [response | {"level": 0} for response in row["responses"]]}


ROWS = {
    "malformed": (lambda row: '{"id": "half', r"{file}:2: ", "json"),
    "misspelt": (lambda row: row | {"promt": "?"}, r"{file}:2: unknown field 'promt'", "field"),
    "empty": (lambda row: _answers(row, " "), r"{file}:2: record 'r1': response 1: an empty text", "empty"),
    "identical": (
        lambda row: _answers(row, row["responses"][0]["text"]),
        r"{file}:2: record 'r1': two are",
        "identical",
    ),
    "placeholders": (
        lambda row: row | {"prompt": "<image><image> What?"},
        "record 'r1': 2 placeholders for 1",
        "placeholder",
    ),
    "tie": (_tie, "record 'r1': responses: nothing to compare, as all have level 0", "no-pair"),
    "missing": (lambda row: row | {"images": ["images/none.png"]}, "record 'r1': images/none.png: No such", "image"),
    "text": (lambda row: row | {"images": ["bad/text.png"]}, "record 'r1': bad/text.png: not a picture", "image"),
    "cut": (lambda row: row | {"images": ["bad/cut.png"]}, "record 'r1': bad/cut.png: ", "image"),
    "bomb": (lambda row: row | {"images": ["bad/bomb.png"]}, "record 'r1': bad/bomb.png: many times", "image"),
    "escape": (lambda row: row | {"images": ["../secret.png"]}, "record 'r1': ../secret.png: it leads to", "image"),
    "absolute": (lambda row: row | {"images": ["/secret.png"]}, "record 'r1': /secret.png: an absolute path", "image"),
    "link": (lambda row: row | {"images": ["bad/link.png"]}, "record 'r1': bad/link.png: it leads to", "image"),
}


@pytest.fixture(scope="module")
def bad_images(world):
    folder = world.root / "bad"
    folder.mkdir()
    (folder / "text.png").write_text("not a picture")
    (folder / "cut.png").write_bytes(cut_off((world.root / world.images[0]).read_bytes()))
    (folder / "bomb.png").write_bytes(huge_png(60_000, 60_000))
    (folder / "link.png").symlink_to(__file__)


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_record_or_image_is_named_where_it_stands(world, bad_images, tmp_path, fails, capsys, name):
    damage, words, kind = ROWS[name]
    rows = world.rows()
    rows[1] = damage(rows[1])
    file = tmp_path / "records.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    error = fails(*train(world, file, tmp_path / "run"))
    assert words.replace("{file}", str(file)) in error
    assert ", or run with --skip-bad to set it aside  [" in error

    assert main(["data", "check", str(file), "--image-root", str(world.root)]) == 3
    assert any(line.startswith(f"{kind} (1): ") for line in capsys.readouterr().out.splitlines())

    assert main(train(world, file, tmp_path / "run", "--skip-bad", "--fresh")) == 3
    capsys.readouterr()
    (aside,) = map(json.loads, (tmp_path / "run" / "bad.jsonl").read_text().splitlines())
    assert aside.keys() == {"id", "reason"}
    assert aside["id"] in ("r1", f"{file}:2")


def test_a_bad_row_is_told_before_a_model_is_looked_for(world, tmp_path, fails):
    file = tmp_path / "records.jsonl"
    file.write_text("{\n")
    command = [word.replace(str(world.model), str(tmp_path / "none")) for word in train(world, file, tmp_path / "run")]
    assert f"{file}:1: " in fails(*command)


def test_a_record_over_the_limit_is_set_aside_and_told(world, tmp_path, caplog):
    rows = world.rows()
    rows[1] = _answers(rows[1], "A red cup. " * 99)
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(train(world, file, tmp_path / "run", "max_length=100")) == 3
    assert "1 record set aside; the first: r1, " in caplog.text
    (aside,) = map(json.loads, (tmp_path / "run" / "bad.jsonl").read_text().splitlines())
    assert aside["id"] == "r1"
    assert "tokens with its longest response; max_length is 100" in aside["reason"]
    # The same command again finds a finished run, and still says that it is not whole.
    assert main(train(world, file, tmp_path / "run", "max_length=100")) == 3


def test_the_reference_cache_of_another_model_is_refused(world, tmp_path, fails):
    cache = f"reference_cache={tmp_path / 'cache'}"
    assert main(train(world, world.records, tmp_path / "run", cache, "warmup_steps=0")) == 0
    other = tmp_path / "run" / "model"
    command = [
        word.replace(str(world.model), str(other)) for word in train(world, world.records, tmp_path / "b", cache)
    ]
    error = fails(*command)
    assert f"reference cache {tmp_path / 'cache'}: those of another one, which differs in weights; " in error
    assert "skip-bad" not in error
    assert main(train(world, world.records, tmp_path / "c", cache, "beta=0.2")) == 0


def test_an_exploding_loss_names_the_records_of_its_step(world, tmp_path, fails):
    error = fails(*train(world, world.records, tmp_path / "run", "max_loss=0.5"))
    assert "step 1: a loss of 0.6931 (records 'r" in error
    assert not (tmp_path / "run" / "model").exists()


def test_a_question_about_a_bad_image_is_named(world, bad_images, tmp_path, fails):
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"id": "q", "images": ["bad/bomb.png"], "prompt": "What is it?"}) + "\n")
    command = generate(world, tmp_path / "answers.jsonl")
    command[2] = str(questions)
    assert "question 'q': bad/bomb.png" in fails(*command)


@pytest.mark.parametrize(("name", "content"), [("nothing", None), ("empty.jsonl", ""), ("folder", "")])
def test_data_that_is_not_there(world, tmp_path, fails, name, content):
    path = tmp_path / name
    if content is not None:
        path.mkdir() if name == "folder" else path.write_text(content)
    fails(*train(world, path, tmp_path / "run"))


def test_check_finds_that_there_is_nothing(tmp_path, capsys):
    (tmp_path / "empty.jsonl").write_text("\n")
    assert main(["data", "check", str(tmp_path / "empty.jsonl")]) == 3
    assert "no-records" in capsys.readouterr().out


# Settings


def test_a_wrong_key_in_the_file_has_its_line_and_the_nearest_name(world, tmp_path, fails):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("objective: ddpo\n\nmax_lenght: 5\n")
    command = train(world, world.records, tmp_path / "run")
    command[1] = str(recipe)
    error = fails(*command)
    assert f"{recipe}:3: unknown key 'max_lenght'" in error
    assert "did you mean 'max_length'?" in error


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("betta=1", "override 'betta=1': unknown key 'betta'; expected a setting that exists; did you mean 'beta'?"),
        ("model.nam=x", "did you mean 'model.name'?"),
        ("beta=much", "expected a number"),
        ("objective=ddpoo", "did you mean 'ddpo'?"),
        ("beta", "expected name=value"),
        ("seed=-1", "seed: -1"),
        ("eval_strategy=steps", "add eval_data=FILE"),
        ("resume_from_checkpoint=runs/old", "the same command continues"),
        ("report_to=absent", "expected a tracker that is installed"),
    ],
)
def test_a_wrong_override_is_quoted(world, tmp_path, fails, override, words):
    assert words in fails(*train(world, world.records, tmp_path / "run", override))
    assert not (tmp_path / "run").exists()


def test_settings_may_stand_behind_options_and_unknown_options_may_not(world, tmp_path, capsys):
    assert main([*train(world, world.records, tmp_path / "run"), "beta=0.25"]) == 0
    assert "beta: 0.25" in (tmp_path / "run" / "settings.yaml").read_text()
    for wrong in (["train", "ddpo", "--fesh"], ["report", str(tmp_path), "beta=1"]):
        with pytest.raises(SystemExit, match="2"):
            main(wrong)


# Models


def _edit_config(folder: Path, **values):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


MODELS = {
    "empty": (lambda path: [item.unlink() for item in path.iterdir()], "a folder without config.json"),
    "architecture": (lambda path: _edit_config(path, model_type="llama"), "model_type 'llama'"),
    "no-json": (lambda path: (path / "config.json").write_text("{"), "readable model configuration"),
    "pickled": (lambda path: (path / "model.safetensors").rename(path / "pytorch_model.bin"), "unpickle"),
    "weightless": (lambda path: (path / "model.safetensors").unlink(), "no weights"),
    "truncated": (
        lambda path: (path / "model.safetensors").write_bytes((path / "model.safetensors").read_bytes()[:-5000]),
        "whole safetensors weights",
    ),
    "other-shape": (lambda path: _edit_config(path, projector_hidden_act="gelu", image_token_index=5), "image token"),
    "no-tokenizer": (lambda path: (path / "tokenizer.json").unlink(), "a processor beside the model"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_that_is_no_model_is_refused_and_binds_nothing(world, tmp_path, fails, name):
    damage, words = MODELS[name]
    model, out = tmp_path / "model", tmp_path / "answers.jsonl"
    shutil.copytree(world.model, model)
    damage(model)
    assert words in fails(*generate(world, out, model=model))
    fails(*evaluate(world, tmp_path / "eval", model=model))
    assert not out.exists()
    assert not (tmp_path / "eval").exists()


def test_weights_of_another_shape_are_named(world, tmp_path, fails):
    shutil.copytree(world.model, tmp_path / "model")
    text = json.loads((tmp_path / "model" / "config.json").read_text())["text_config"]
    _edit_config(tmp_path / "model", text_config=text | {"intermediate_size": 64})
    assert "mlp.down_proj.weight" in fails(*generate(world, tmp_path / "a.jsonl", model=tmp_path / "model"))


# Run folders


def test_a_missing_run_folder(tmp_path, fails):
    assert "expected a run folder" in fails("report", tmp_path / "none")
    assert "expected a run folder" in fails("report", tmp_path)


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_an_out_that_cannot_be_written(world, tmp_path, fails, place):
    file = tmp_path / "file"
    file.write_text("mine")
    out = file if place == "a file" else file / "below"
    commands = [
        train(world, world.records, out),
        generate(world, out),
        evaluate(world, out),
        ["demo", "--quick", "--out", out],
    ]
    for command in commands:
        assert str(out) in fails(*command)
    assert file.read_text() == "mine"


def test_an_out_that_is_a_folder_where_a_file_is_meant(world, tmp_path, fails):
    for command in (
        generate(world, tmp_path),
        generate(world, tmp_path, "--fresh"),
        ["data", "diff", world.records, "--out", tmp_path],
    ):
        assert "Is a directory" in fails(*command)
    assert tmp_path.is_dir()


def test_a_folder_with_another_run_is_not_touched(world, tmp_path, fails, capsys):
    out, answers = tmp_path / "run", tmp_path / "answers.jsonl"
    assert main(train(world, world.records, out)) == 0
    assert main(generate(world, answers)) == 0
    assert main(evaluate(world, tmp_path / "eval")) == 0
    capsys.readouterr()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert "beta was 0.5 and is now 0.25" in fails(*train(world, world.records, out, "beta=0.25"))
    assert "answers of another run" in fails(*generate(world, answers, "--temperature", "1"))
    assert "generation.seed was 0 and is now 3" in fails(*evaluate(world, tmp_path / "eval", "--seed", "3"))
    assert "other files" in fails("demo", "--quick", "--out", tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
