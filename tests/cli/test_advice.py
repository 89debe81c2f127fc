"""Advice names options that the verb has."""

from __future__ import annotations

import argparse

import pytest

from errata.cli.advice import fit_advice
from errata.cli.main import build_parser
from errata.errors import DataError

FIX = "check the path, or name the folder that it starts from as --image-root"


def fitted(fix: str, **options: object) -> str:
    error = DataError("a.png", expected="an image", found="none", fix=fix)
    return fit_advice(error, argparse.Namespace(**options)).removeprefix("a.png: none; expected an image; ")


def test_a_verb_with_the_option_says_it_as_it_is():
    assert fitted(FIX, image_root=None) == FIX


def test_a_verb_with_settings_names_the_setting():
    assert fitted(FIX, overrides=[]) == "check the path, or name the folder that it starts from as image_root"


def test_a_verb_with_neither_leaves_the_advice_out():
    assert fitted(FIX) == "check the path"
    assert fitted("give --image-root") == "a.png: none; expected an image"


@pytest.mark.parametrize("fix", ["run `errata data import --columns prompt=question`", "replace the image"])
def test_other_commands_and_other_advice_stay(fix):
    assert fitted(fix) == fix


def test_an_option_s_name_tells_whether_a_verb_has_it():
    """`fit_advice` looks a name up among the parsed arguments."""
    for parser in walk(build_parser()):
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--") and option not in ("--help", "--version") and not option.startswith("--no-"):
                    assert action.dest == option[2:].replace("-", "_"), (parser.prog, option)


def walk(parser):
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from walk(child)
