"""The documentation does what it says: its blocks run, its commands parse, its links and names lead somewhere.

Blocks are marked in the words after their language: `run` is executed (a page's blocks share one folder, which holds
what a demo would have left under `runs/demo`), `save=PATH` is written to a file there, `apply=PATH` is a change to a
copy of the source, and `applied` runs with that copy.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

import pytest
from PIL import Image

from errata.cli.main import build_parser, main
from errata.cli.train import list_overrides
from errata.config import load_settings
from errata.config.builder import list_names
from errata.records import write_records
from errata.world import (
    CORRECTION,
    Carelessness,
    base_folder,
    build_correction,
    careless_caption,
    correct_description,
    image_name,
    sample_scenes,
    write_images,
)

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "errata"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "design").glob("*.md"))
REFRESH = runpy.run_path(str(ROOT / "docs" / "refresh.py"))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its marks, its text, and where it begins."""

    language: str
    marks: dict[str, str]
    text: str
    where: str


def list_blocks(page: Path) -> list[Block]:
    text = read(page)
    blocks = []
    for match in re.finditer(r"^```(\w+)([^\n]*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        marks = {word.partition("=")[0]: word.partition("=")[2] for word in match[2].split()}
        line = text.count("\n", 0, match.start()) + 1
        blocks.append(Block(match[1], marks, match[3], f"{name_of(page)}:{line}"))
    return blocks


def list_commands(block: Block) -> list[str]:
    lines = block.text.replace("\\\n", " ").splitlines() if block.language == "sh" else []
    return [line for line in lines if line.strip()]


def find_subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def list_options(parser: argparse.ArgumentParser) -> set[str]:
    own = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    return (own - {"--help"}).union(*(list_options(inner) for inner in find_subparsers(parser).values()))


VERBS = find_subparsers(build_parser())


# What is run


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


def correct(scenes) -> Iterator:
    import numpy as np

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
    for name in (json.loads(line).get("image") for line in text.splitlines()):
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


def run_python(arguments: list[str], path: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(path)}
    command = [sys.executable, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_loss_is_added_as_the_page_says(tmp_path):
    shutil.copytree(HOUSE, tmp_path / "src" / "errata", ignore=shutil.ignore_patterns("bases", "__pycache__"))
    blocks = list_blocks(ROOT / "CONTRIBUTING.md")
    changes = [block for block in blocks if "apply" in block.marks]
    assert changes
    for block in changes:
        apply(block, tmp_path / block.marks["apply"])
    (example,) = [block for block in blocks if "applied" in block.marks]
    run_python(["-c", example.text], tmp_path / "src")


def apply(block: Block, path: Path) -> None:
    """Replace the lines of a change that stand in the file, exactly once, by those that shall."""
    lines = block.text.splitlines(keepends=True)
    old = "".join(line[1:] or "\n" for line in lines if line[0] in "- ")
    new = "".join(line[1:] for line in lines if line[0] in "+ ")
    text = read(path)
    assert text.count(old) == 1, f"{block.where}: {path.name} has not these lines once"
    path.write_text(text.replace(old, new), encoding="utf-8")


# What is named


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_parses(page):
    for block in list_blocks(page):
        for command in list_commands(block):
            words = shlex.split(re.sub(r"\$\w+", "FOLDER", command))
            if words[0] == "errata":
                args = build_parser().parse_args(words[1:])
                if words[1] == "train":
                    require_settings(args)


def require_settings(args: argparse.Namespace) -> None:
    """The recipe exists and so do the settings that replace its."""
    from errata.training import TrainRun

    load_settings(TrainRun, args.recipe, list_overrides(args))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_verbs_and_options_in_the_text_exist(page):
    text = read(page)
    for words in re.findall(r"`errata ([a-z][^`\n]*)`", text):
        verb, *rest = words.split()
        assert verb in VERBS, words
        inner = find_subparsers(VERBS[verb])
        assert not inner or not rest or rest[0] in inner or rest[0] == "…", words
    shown = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    known = list_options(build_parser())
    assert [option for option in re.findall(r"`(--[a-z-]+)", shown) if option not in known] == []


def test_every_verb_has_its_page_in_the_order_of_the_help():
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\)", read(ROOT / "docs" / "README.md"), flags=re.MULTILINE)
    assert rows == [(verb, verb) for verb in VERBS]


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_has_every_option_of_its_verb(verb):
    page = read(ROOT / "docs" / f"{verb}.md")
    assert sorted(option for option in list_options(VERBS[verb]) if option not in page) == []


def test_the_table_of_presets_is_the_code_s():
    page = read(ROOT / "docs" / "objectives.md")
    assert REFRESH["replace_between"](page, "presets", REFRESH["render_presets"]()) == page, "run docs/refresh.py"


def test_recipes_and_settings_of_the_page_are_those_there_are():
    from errata.training import TrainRun

    page = read(ROOT / "docs" / "train.md")
    recipes, settings = page.partition("| recipe |")[2].split("| setting |")
    named = set(re.findall(r"`([a-z-]+)`", recipes.partition("\n\n")[0]))
    assert named == {path.stem for path in (HOUSE / "recipes").glob("*.yaml")}
    known = set(list_names(TrainRun))
    for row in re.findall(r"^\| (`.*?) \|", settings.partition("\n\n")[0], flags=re.MULTILINE):
        group = ""
        for name in re.findall(r"`([\w.]+)`", row):
            group = name.partition(".")[0] or group
            assert (group + name if name.startswith(".") else name) in known, name


def test_the_annotated_tree_has_every_room():
    tree = read(ROOT / "README.md").partition("```text\nsrc/errata/\n")[2].partition("```")[0]
    inside = re.findall(r"^  ([\w.]+)/? ", tree, flags=re.MULTILINE)
    rooms = [path.parent.name for path in HOUSE.glob("*/__init__.py")]
    files = [path.name for path in HOUSE.glob("*.py") if path.name != "__init__.py"]
    assert sorted(inside) == sorted([*rooms, *files])
    beside = re.findall(r"^([\w.]+)/? ", tree, flags=re.MULTILINE)
    assert [name for name in beside if not (ROOT / name).exists()] == []


def test_the_layers_are_those_of_the_import_contract():
    block = next(block for block in list_blocks(ROOT / "CONTRIBUTING.md") if block.text.startswith("cli\n"))
    shown = [line.partition("   ")[0].strip() for line in block.text.splitlines()]
    contract = read(ROOT / "pyproject.toml").partition("layers = [")[2].partition("]")[0]
    assert shown == re.findall(r'"(.*?)"', contract)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
        path, _, anchor = "".join(link).partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", read(target), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page):
    named = re.findall(r"`((?:src/errata|tests|docs|design|recipes|\.ci)/[\w./-]*)`", read(page))
    for name in named:
        if not re.search(r"[A-Z]{3}", name.replace("README", "")):  # a place for a name, such as FORMAT.py
            assert (HOUSE / name if name.startswith("recipes/") else ROOT / name).exists(), name


def test_every_target_of_make_exists():
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), flags=re.MULTILINE))
    lines = [command for page in PAGES for block in list_blocks(page) for command in list_commands(block)]
    quoted = [words for page in PAGES for words in re.findall(r"`(make [^`\n]+)`", read(page))]
    named = {words.split()[1] for words in [*lines, *quoted] if words.startswith("make ")}
    assert {"demo", "test", "check"} <= named <= targets


def test_every_decision_is_listed_and_has_its_parts():
    index = read(ROOT / "design" / "README.md")
    for page in (ROOT / "design").glob("[!R]*.md"):
        assert f"]({page.name})" in index
        parts = re.findall(r"^## (.*)$", read(page), flags=re.MULTILINE)
        assert parts == ["Problem", "Choice", "Consequence", "Guarded by"], page.name
        assert len(read(page).splitlines()) < 60, page.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_machine_or_an_address(page):
    assert re.findall(r"(?:^|[\s`\"'(=])/(?:work|tmp|home|root|usr|Users)/|https?:", read(page)) == []


def test_pictures_are_small_and_need_nothing():
    for path in (ROOT / "docs" / "images").iterdir():
        assert path.stat().st_size < 150_000, path.name
        if path.suffix == ".svg":
            assert not re.search(r"href|<script|url\((?!#)", read(path))
