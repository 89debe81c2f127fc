"""The house itself: layers, what loads without torch, charters, names and docstrings."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "errata"
ROOMS = sorted(path.parent.name for path in HOUSE.glob("*/__init__.py"))
INNER_ROOMS = sorted(str(path.parent.relative_to(HOUSE)) for path in HOUSE.glob("*/**/*/__init__.py"))
FILES = sorted(HOUSE.rglob("*.py"))
WITHOUT_TORCH = [
    *(
        "config",
        "storage",
        "records",
        "corrections",
        "text",
        "images",
        "data",
        "world",
        "generation",
        "judges",
        "feedback",
        "endpoints",
    ),
    *("benchmarks", "reports", "cli", "pipelines", "pipelines.answering", "pipelines.compare", "pipelines.evaluate"),
    "pipelines.feedback",
]
WITH_TORCH = {"generation.local", "judges.local", "feedback.local", "pipelines.answering.local_model"}
WITH_TORCH |= {"pipelines.answering.best_answerer"}
"""What of those needs it: inner rooms, and files that only a `build_` function imports."""
HEAVY = {"torch", "transformers", "peft", "accelerate", "datasets", "matplotlib", "scipy", "pandas"}
FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "base"}


def name_of(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_imports_point_down_only():
    linter = Path(sys.executable).with_name("lint-imports")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [str(linter), "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_room_has_its_place_in_the_layers():
    layers = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("layers = [")[2]
    assert [room for room in ROOMS if room != "recipes" and f"{room}" not in layers] == []


def test_a_binary_file_is_tracked_only_where_it_is_named(tmp_path):
    for name in ("Makefile", ".gitattributes"):
        shutil.copy(ROOT / name, tmp_path)

    def check(name: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\x89PNG\x00\x01")
        subprocess.run(["git", "add", "--force", name], cwd=tmp_path, check=True)
        return subprocess.run(["make", "binaries"], cwd=tmp_path, capture_output=True, text=True, check=False)

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert check("docs/images/a.png").returncode == 0
    refused = check("left.whl")
    assert refused.returncode != 0
    assert "left.whl" in refused.stdout
    assert "docs/images/a.png" not in refused.stdout


def list_modules(room: str) -> list[str]:
    """The files of a room; of `pipelines` those that stand in it, as its inner rooms are named one by one."""
    folder = HOUSE / room.replace(".", "/")
    paths = folder.glob("*.py") if room == "pipelines" else folder.rglob("*.py")
    names = [".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return sorted(name for name in names if not any(f"{name}.".startswith(f"{heavy}.") for heavy in WITH_TORCH))


def test_rooms_that_need_no_torch_load_without_it():
    modules = [name for room in WITHOUT_TORCH for name in list_modules(room)]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module('errata.' + name)\n"
        f"    found = {HEAVY!r} & set(sys.modules)\n"
        "    assert not found, (name, found)"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr


def test_every_parser_answers_without_what_is_slow():
    code = (
        "import sys\n"
        "from errata.cli.main import build_parser\n"
        "build_parser().format_help()\n"
        f"found = {HEAVY | {'aiohttp', 'numpy', 'pyarrow', 'PIL', 'yaml', 'jinja2'}!r} & set(sys.modules)\n"
        "assert not found, found"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr


def find_deep_imports(path: Path) -> list[str]:
    """Imports of `errata.ROOM.FILE` from another room: rooms are entered through their `__init__` alone."""
    own = path.relative_to(HOUSE).parts[0]
    found = []
    for node in ast.walk(parse(path)):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for module in modules:
            parts = module.split(".")
            foreign = parts[0] == "errata" and len(parts) > 2 and parts[1] != own
            if foreign and not (HOUSE.joinpath(*parts[1:]) / "__init__.py").exists():
                found.append(f"line {node.lineno}: {module}")
    return found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_other_rooms_are_entered_by_their_public_names(path):
    assert find_deep_imports(path) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_another_room_offers_is_in_its_list(path):
    """`from errata.ROOM import name` takes a public name, not what the room happens to have imported."""
    own = path.relative_to(HOUSE).parts[0]
    hidden = [
        f"line {node.lineno}: {node.module} has no public {alias.name}"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("errata.")
        and (room := HOUSE.joinpath(*node.module.split(".")[1:]) / "__init__.py").exists()
        and node.module.split(".")[1] != own
        for alias in node.names
        if alias.name not in list_public(room)
    ]
    assert hidden == []


def list_public(room: Path) -> list[str]:
    """`__all__` of a room."""
    return next(
        ast.literal_eval(node.value)
        for node in parse(room).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )


@pytest.mark.parametrize("room", [*ROOMS, *INNER_ROOMS])
def test_a_room_opens_with_its_charter_and_lists_its_public_names(room):
    tree = parse(HOUSE / room / "__init__.py")
    charter = ast.get_docstring(tree)
    assert charter
    assert "furnished" not in charter
    assert len(charter) > 100
    if room == "recipes":  # package data; nothing imports it
        return
    names = list_public(HOUSE / room / "__init__.py")
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert names
    assert set(names) <= imported


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_names_say_what_is_in_a_file(path):
    assert not FORBIDDEN & set(path.stem.split("_"))
    assert not FORBIDDEN & set(path.relative_to(HOUSE).parts)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_is_public_has_a_docstring(path):
    tree = parse(path)
    missing = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            missing += [] if ast.get_docstring(node) else [node.name]
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                public = isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_")
                if public and not ast.get_docstring(inner) and not is_override(node):
                    missing.append(f"{node.name}.{inner.name}")
    assert missing == []


def is_override(node: ast.ClassDef) -> bool:
    """A class with bases explains what differs; what it overrides is explained there."""
    return bool(node.bases)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_stand_at_the_top_outside_the_command_line(path):
    """Elsewhere only a `build_` function may import late, for an optional extra."""
    if path.parent.name == "cli":
        return
    late = [
        f"line {inner.lineno} in {node.name}"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef) and node.name.partition("_")[0] != "build"
        for inner in ast.walk(node)
        if isinstance(inner, (ast.Import, ast.ImportFrom))
    ]
    assert late == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_prints_outside_the_command_line(path):
    if path.parent.name == "cli":
        return
    calls = [node for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    assert [call.lineno for call in calls if ast.unparse(call.func) == "print"] == []
