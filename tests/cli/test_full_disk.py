"""A disk that fills up in the middle of a run: exit code 2, four parts, nothing lost, and room makes it go on.

The system refuses to let files grow beyond a size, as it refuses on a full disk; where that cannot tell one file from
another, the call that writes is made to fail.
"""

from __future__ import annotations

import errno
import os
import resource
from contextlib import contextmanager
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from PIL import Image

from errata.cli import main
from errata.records import read_answers, read_questions, read_records, write_questions
from errata.storage import write_text
from shaped import build, write_folder
from world_input import WorldInput, write_world_input


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> WorldInput:
    return write_world_input(tmp_path_factory.mktemp("world"), 12)


@contextmanager
def files_up_to(size_bytes: int):
    """Writing beyond this size of any file fails with an OSError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def fails(capsys):
    """Run a command that must find the disk full; returns its error."""

    def run(command, size_bytes=None):
        with files_up_to(resource.RLIM_INFINITY if size_bytes is None else size_bytes):
            assert main([str(part) for part in command]) == 2
        output = capsys.readouterr().err
        assert "Traceback" not in output
        error = next(line for line in output.splitlines() if line.startswith("error: "))
        assert "expected a writable place with room; free space" in error
        return error

    return run


def train(world, out, *more):
    common = ["records_per_step=4", "max_steps=3", "save_steps=1", "disable_tqdm=true", "model.device=cpu", *more]
    return ["train", "ddpo", f"model.name={world.model}", f"data={world.records}", *common, "--out", str(out)]


def test_in_the_middle_of_answers(world, tmp_path, fails):
    questions = [
        replace(question, id=f"a question with a long name {question.id} {i}")
        for i in range(4)
        for question in read_questions(world.questions)
    ]
    write_questions(tmp_path / "questions.jsonl", questions)
    command = ["generate", world.model, str(tmp_path / "questions.jsonl"), "--image-root", str(world.root)]
    command += ["--max-tokens", "16", "--batch-size", "3", "--out"]
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    assert main([*command, str(whole)]) == 0
    room = whole.stat().st_size // 2
    assert room > (tmp_path / "whole.jsonl.run.json").stat().st_size
    assert str(out) in fails([*command, out], room)
    assert out.stat().st_size == room
    assert main([*command, str(out)]) == 0
    assert read_answers(out) == read_answers(whole)


def test_in_the_middle_of_records_the_old_file_stays(world, tmp_path, fails):
    out = tmp_path / "records.jsonl"
    write_text(out, "what was there\n")
    assert str(out) in fails(["data", "diff", world.records, "--out", out], 1000)
    assert out.read_text() == "what was there\n"
    assert list(tmp_path.iterdir()) == [out]
    parquet = tmp_path / "records.parquet"
    assert str(parquet) in fails(["data", "export", world.records, "--format", "rlhfv", "--out", parquet], 1000)
    assert not parquet.exists()


def test_in_the_middle_of_an_import(world, tmp_path, fails):
    parquet, out = tmp_path / "a.parquet", tmp_path / "out"
    assert main(["data", "export", str(world.records), "--format", "rlhfv", "--out", str(parquet)]) == 0
    assert str(out) in fails(["data", "import", parquet, "--out", out], 100)
    assert not list(out.rglob("*.png"))
    assert not (out / "records.jsonl").exists()
    assert main(["data", "import", str(parquet), "--out", str(out)]) == 0
    assert len(read_records(out / "records.jsonl")) == 12


@pytest.mark.parametrize("room", [40, 900], ids=["pictures", "records"])
@pytest.mark.parametrize(
    "words", [["filter", "true"], ["split", "--test", "8"], ["dedup"], ["merge"]], ids=lambda w: w[0]
)
def test_in_the_middle_of_shaping(tmp_path, fails, words, room):
    folder = write_folder(tmp_path / "in", [build(f"r{i}", ["abc"[i % 3] + ".png"]) for i in range(24)])
    for name in "abc":
        Image.new("RGB", (8, 8), (ord(name), 0, 0)).save(folder / f"{name}.png")
    command = ["data", words[0], str(folder), *words[1:], "--images", "copy", "--out", str(tmp_path / "out")]
    assert str(tmp_path / "out") in fails(command, room)
    assert not list(tmp_path.glob("out/**/*.jsonl"))
    assert not list(tmp_path.glob("out/**/*.tmp"))
    for path in tmp_path.glob("out/**/*.png"):
        assert path.read_bytes() == (folder / path.name).read_bytes()
    assert main(command) == 0


def test_in_the_reference_cache(world, tmp_path, fails, monkeypatch):
    def fill(table, path, **options):
        path.write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", fill)
        assert "reference" in fails(train(world, out))
    assert not [path for path in (out / "reference").rglob("*") if path.suffix in (".parquet", ".tmp")]
    assert main(train(world, out)) == 0


@pytest.mark.parametrize("more", [[], ["lora.r=64"]], ids=["full", "lora"])
def test_in_the_middle_of_a_checkpoint(world, tmp_path, fails, more):
    out = tmp_path / "run"
    assert "checkpoint-1" in fails(train(world, out, *more), 150_000)
    assert not list(out.glob("checkpoint-*"))
    assert main(train(world, out, *more)) == 0


def test_earlier_checkpoints_stay_when_a_later_one_does_not_fit(world, tmp_path, fails, monkeypatch):
    from errata.training import PreferenceTrainer

    out, save = tmp_path / "run", PreferenceTrainer._save_checkpoint

    def fill(self, *args):
        with files_up_to(150_000 if self.state.global_step == 2 else resource.RLIM_INFINITY):
            save(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(PreferenceTrainer, "_save_checkpoint", fill)
        assert "checkpoint-2" in fails(train(world, out))
    assert [path.name for path in out.glob("checkpoint-*")] == ["checkpoint-1"]
    assert main(train(world, out)) == 0


def test_when_the_model_is_saved(world, tmp_path, fails):
    assert "model" in fails(train(world, tmp_path / "run", "save_strategy=no"), 150_000)
    assert main(train(world, tmp_path / "run", "save_strategy=no")) == 0
