"""The pages of the documentation taken apart: blocks, commands, and what the command line really has."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from errata.cli.main import build_parser

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "errata"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "design").glob("*.md"))


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
