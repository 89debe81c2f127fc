"""The command line: exit codes, messages without tracebacks, and no torch before it is needed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from errata.cli import main
from errata.cli.main import VERBS, build_parser
from errata.errors import DataError, StorageError


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_help_loads_nothing_but_the_standard_library():
    """So it answers at once, on any machine."""
    code = (
        "import sys\nsites = {name.partition('.')[0] for name in sys.modules}\nfrom errata.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "found = {name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names - sites\n"
        "assert found <= {'__main__', 'errata'}, found"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert "train" in result.stdout


def list_commands(parser, prefix=()):
    """Every command line that has its own help."""
    yield prefix
    for action in parser._actions:
        if hasattr(action, "choices") and isinstance(action.choices, dict):
            names = {id(inner): name for name, inner in reversed(action.choices.items())}  # an alias is not the name
            for name, inner in action.choices.items():
                if names[id(inner)] != name:
                    continue
                yield from list_commands(inner, (*prefix, name))


@pytest.mark.parametrize("command", list(list_commands(build_parser())), ids=" ".join)
def test_every_verb_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(" ".join(("usage: errata", *command)))


@pytest.mark.parametrize(("alias", "name"), [("meg", "experts"), ("ig", "shares")])
def test_the_papers_names_of_methods_are_aliases(alias, name, capsys):
    with pytest.raises(SystemExit):
        main(["feedback", alias, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: errata feedback {name}")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["data"], ["data", "import"], ["bench"], ["train"], ["--nonsense"]]
)
def test_bad_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_no_verb_prints_the_help(capsys):
    assert main([]) == 2
    assert "verbs" in capsys.readouterr().out


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("errata ")


ERRORS = [
    (
        DataError("a.jsonl:3", expected="x", found="y", fix="z"),
        2,
        "error: a.jsonl:3: y; expected x; z  [data]\n",
        False,
    ),
    (StorageError("out", expected="room", found="none", fix="free space"), 2, "error: out: none", False),
    (
        OSError(errno.ENOSPC, "No space left on device"),
        2,
        "error: the disk: No space left on device; expected a writable place with room; free",
        False,
    ),
    (OSError(errno.EACCES, "Permission denied", "runs"), 2, "error: runs: Permission denied", False),
    (OSError(errno.EACCES, "Permission denied"), 1, "bug", True),
    (ValueError("oops"), 1, "bug", True),
    (KeyboardInterrupt(), 130, "interrupted", False),
]


@pytest.mark.parametrize(("error", "code", "words", "traceback"), ERRORS, ids=[repr(row[0])[:30] for row in ERRORS])
def test_errors_become_a_line_and_an_exit_code(error, code, words, traceback, capsys, monkeypatch):
    def fail(args):
        raise error

    monkeypatch.setattr("errata.cli.bench.run_list", fail)
    assert main(["bench", "list"]) == code
    output = capsys.readouterr().err
    assert words in output
    assert ("Traceback" in output) == traceback


def test_debug_shows_the_traceback_of_an_expected_error(capsys, monkeypatch):
    def fail(args):
        raise ERRORS[0][0]

    monkeypatch.setattr("errata.cli.bench.run_list", fail)
    assert main(["--debug", "bench", "list"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error():
    """The reader has left before the first line is printed."""
    code = "import sys\nfrom errata.cli import main\nsys.exit(main(['bench', 'list']))"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")


def test_verbs_have_both_functions():
    assert all(hasattr(verb, "add_parser") for verb in VERBS)
