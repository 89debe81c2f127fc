"""What the documentation shows runs.

Blocks are marked in the words after their language: `run` is executed (a page's blocks share one folder, which holds
what a demo would have left under `runs/demo`), `save=PATH` is written to a file there, `file=PATH` and `apply=PATH` are
a new file and a change in a copy of the source, and `applied` runs with that copy.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

import numpy as np
import pytest
from PIL import Image

from documentation import HOUSE, PAGES, ROOT, Block, list_blocks, list_commands, name_of, read
from errata.cli.main import main
from errata.records import Record, write_records
from errata.world import (
    CORRECTION,
    Carelessness,
    Scene,
    base_folder,
    build_correction,
    careless_caption,
    correct_description,
    image_name,
    sample_scenes,
    write_images,
)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`runs/demo` with a few corrections, and the base in place of the aligned checkpoint."""
    root = tmp_path_factory.mktemp("docs")
    run = root / "runs" / "demo"
    scenes = sample_scenes("correction", 24, 0, CORRECTION)
    write_images(scenes, run)
    write_records(run / "records.jsonl", list(correct(scenes))[:8])
    shutil.copytree(base_folder("medium"), run / "training" / "ddpo" / "model")
    return root


def correct(scenes: Sequence[Scene]) -> Iterator[Record]:
    rng = np.random.default_rng(0)
    care = Carelessness(missed_share=0, mistaken_share=0)
    for scene in scenes:
        text = careless_caption(scene, rng)
        edits = correct_description(scene, text, care, rng)
        record = build_correction(scene.id, image_name(scene), "Describe the image.", text, edits, "base")
        if record is not None:
            yield record


def is_run(block: Block) -> bool:
    return "run" in block.marks or "save" in block.marks


@pytest.mark.parametrize("page", [page for page in PAGES if any(map(is_run, list_blocks(page)))], ids=name_of)
def test_what_a_page_shows_runs(page, demo, tmp_path, monkeypatch):
    folder = tmp_path / "place"
    shutil.copytree(demo, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ERRATA_CACHE", str(folder / "cache"))
    names: dict[str, str] = {}
    for block in filter(is_run, list_blocks(page)):
        if "save" in block.marks:
            save_lines(Path(block.marks["save"]), block.text)
        elif block.language == "python":
            exec(compile(block.text, block.where, "exec"), {"__name__": "__main__"})
        else:
            for command in list_commands(block):
                run_command(command, names, block.where)


def save_lines(path: Path, text: str) -> None:
    """Write a file that a page shows, and the pictures that it names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else []
    for name in (row.get("image") for row in rows):
        if name is not None:
            Image.new("RGB", (48, 48), "white").save(path.parent / name)


def run_command(command: str, names: dict[str, str], where: str) -> None:
    assignment = re.fullmatch(r"([A-Z]+)=\$\((.*)\)", command)
    if assignment is None:
        words = shlex.split(Template(command).substitute(names))
        assert words[0] == "errata", where
        assert main(words[1:]) == 0, f"{where}: {command}"
    else:
        program, *arguments = shlex.split(assignment[2])
        assert program == "python", where
        names[assignment[1]] = run_python(arguments, HOUSE.parent).strip()


def run_python(arguments: list[str], *paths: Path, folder: Path | None = None) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, *arguments]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, timeout=240, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def change_copy(page: Path, folder: Path) -> Path:
    """A copy of the source with the files and the changes that a page shows."""
    shutil.copytree(HOUSE, folder / "src" / "errata", ignore=shutil.ignore_patterns("bases", "__pycache__"))
    for block in list_blocks(page):
        if "file" in block.marks:
            (folder / block.marks["file"]).write_text(block.text, encoding="utf-8")
        elif "apply" in block.marks:
            apply(block, folder / block.marks["apply"])
    return folder / "src"


@pytest.mark.slow
def test_a_loss_a_model_and_a_format_are_added_as_the_page_says(tmp_path):
    page = ROOT / "CONTRIBUTING.md"
    source = change_copy(page, tmp_path)
    examples = [block.text for block in list_blocks(page) if "applied" in block.marks]
    assert len(examples) == 3
    run_python(["-c", "\n".join(examples)], source, ROOT / "tests", folder=tmp_path)


def test_a_benchmark_is_added_as_the_page_says(tmp_path):
    """In 40 lines, and then every verb knows it."""
    page = ROOT / "docs" / "add-a-benchmark.md"
    assert len(read(page).splitlines()) <= 40
    source = change_copy(page, tmp_path)
    (tmp_path / "images.jsonl").write_text('{"image": "a.png", "objects": []}\n{"image": "b.png", "objects": []}\n')
    (tmp_path / "answers.jsonl").write_text(
        '{"id": "a.png", "text": "I am unable."}\n{"id": "b.png", "text": "Stop."}\n'
    )
    command = ["score", "declined", str(tmp_path / "answers.jsonl"), "--annotations", str(tmp_path / "images.jsonl")]
    commands = [["bench", "info", "declined"], [*command, "declined.word=unable", "--out", str(tmp_path / "out")]]
    verbs = f"from errata.cli import main\nfor command in {commands!r}:\n    assert main(command) == 0"
    printed = run_python(["-c", verbs], source)
    assert "how often a model declines" in printed
    assert "50.0 %" in printed
    assert json.loads((tmp_path / "out" / "results.json").read_text())["settings"]["options"] == [
        "declined.word=unable"
    ]


def apply(block: Block, path: Path) -> None:
    """Replace the lines of a change that stand in the file, exactly once, by those that shall."""
    lines = block.text.splitlines(keepends=True)
    old = "".join(line[1:] or "\n" for line in lines if line[0] in "- ")
    new = "".join(line[1:] for line in lines if line[0] in "+ ")
    text = read(path)
    assert text.count(old) == 1, f"{block.where}: {path.name} has not these lines once"
    path.write_text(text.replace(old, new), encoding="utf-8")
