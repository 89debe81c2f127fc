"""What the documentation names exists: commands, options, settings, links, files, rooms; its tables are the code's.

That its blocks run is tested in `test_docs_run.py`.
"""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import tempfile
from dataclasses import fields
from pathlib import Path

import pytest

from documentation import (
    HOUSE,
    PAGES,
    ROOT,
    VERBS,
    find_subparsers,
    list_blocks,
    list_commands,
    list_options,
    name_of,
    read,
)
from errata.cli.main import build_parser
from errata.cli.train import list_overrides
from errata.config import load_settings
from errata.config.builder import list_names
from errata.world import BASES

REFRESH = runpy.run_path(str(ROOT / "docs" / "refresh.py"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_parses(page):
    for block in list_blocks(page):
        for command in list_commands(block):
            words = shlex.split(re.sub(r"\$\w+", "FOLDER", command))
            if words[0] == "errata":
                args = build_parser().parse_args(words[1:])
                if words[1] in ("train", "sft"):
                    require_settings(words[1], args, saved=list_saved(page))


def require_settings(verb: str, args: argparse.Namespace, saved: dict[str, str]) -> None:
    """The recipe exists, or the page shows it, and so do the settings that replace its."""
    from errata.training import SftRun, TrainRun

    with tempfile.TemporaryDirectory() as folder:
        for name, text in saved.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        recipe = Path(folder) / args.recipe if args.recipe in saved else args.recipe
        load_settings(SftRun if verb == "sft" else TrainRun, recipe, list_overrides(args))


def list_saved(page: Path) -> dict[str, str]:
    """The recipes that a page shows, by file name."""
    return {block.marks["save"]: block.text for block in list_blocks(page) if block.language == "yaml"}


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
def test_the_pages_of_a_verb_have_all_its_options(verb):
    pages = [ROOT / "docs" / f"{verb}.md", *(ROOT / "docs").glob(f"*-{verb}.md")]
    page = "".join(map(read, pages))
    assert sorted(option for option in list_options(VERBS[verb]) if option not in page) == []


@pytest.mark.parametrize(("path", "marker", "table"), REFRESH["TABLES"], ids=[table[1] for table in REFRESH["TABLES"]])
def test_tables_of_the_docs_are_the_code_s(path, marker, table):
    page = read(path)
    assert f"<!-- {marker} -->" in page
    assert REFRESH["replace_between"](page, marker, table()) == page, "run docs/refresh.py"


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


def test_every_setting_of_ours_is_on_a_page():
    from transformers import TrainingArguments

    from errata.training import TrainRun
    from errata.training.trl_fields import TrlFields

    pages = read(ROOT / "docs" / "train.md") + read(ROOT / "docs" / "objectives.md")
    elsewhere = {field.name for field in fields(TrainingArguments)} | {field.name for field in fields(TrlFields)}
    own = {field.name for field in fields(TrainRun)} - elsewhere | {"max_length"}
    assert sorted(name for name in own if not re.search(rf"`{name}[`.]", pages)) == []


def test_the_bases_of_the_page_are_those_that_ship():
    section = read(ROOT / "docs" / "world.md").partition("## pretrain")[2]
    assert set(re.findall(r"`(small|medium|large|grown-\d)`", section)) == set(BASES)


def test_the_readme_counts_the_benchmarks_and_their_page_has_each():
    from errata.benchmarks import BENCHMARKS

    readme = read(ROOT / "README.md")
    assert re.findall(r"(\d+) \[benchmarks\]|Benchmarks: (\d+)", readme) == [
        (str(len(BENCHMARKS)), ""),
        ("", str(len(BENCHMARKS))),
    ]
    page = read(ROOT / "docs" / "benchmarks.md")
    assert [name for name in BENCHMARKS if not re.search(rf"\b{name}\b", page, flags=re.IGNORECASE)] == []


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


def test_the_table_of_formats_is_the_registry_s():
    from errata.data.formats import FORMATS

    rows = re.findall(
        r"^\| `([\w-]+)` \|.*\| (.*?) \| (.*?)\|$", read(ROOT / "docs" / "formats.md"), flags=re.MULTILINE
    )
    written = {name: text.startswith("yes") for name, _, text in rows}
    assert written == {known.name: known.write_row is not None for known in FORMATS}
