"""Errors: four parts, a code that exists and is raised somewhere, and places that can be made larger."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import errata.errors
from errata.errors import CODES, ConfigError, DataError, ErrataError, StorageError

SOURCES = sorted(Path(errata.errors.__file__).parent.rglob("*.py"))


def build(kind: type[ErrataError] = DataError, **parts: str) -> ErrataError:
    return kind("a.png", **{"expected": "an image", "found": "a text", "fix": "replace it"} | parts)


def test_a_larger_place_keeps_class_code_parts_and_whether_it_can_be_skipped():
    error = build(code="image")
    error.can_skip = True
    wide = error.within("a.jsonl:3")
    assert str(wide) == "a.jsonl:3: a.png: a text; expected an image; replace it"
    assert (type(wide), wide.code, wide.can_skip) == (DataError, "image", True)
    assert str(error.at("b.png")) == "b.png: a text; expected an image; replace it"
    assert str(error.with_fix("draw one")) == "a.png: a text; expected an image; draw one"


def test_without_advice_nothing_stands_behind_the_rule():
    assert str(build(fix="")) == "a.png: a text; expected an image"


@pytest.mark.parametrize(("kind", "code"), [(DataError, "data"), (ConfigError, "config"), (StorageError, "storage")])
def test_a_class_has_a_code_of_its_own(kind, code):
    assert build(kind).code == code


def test_a_code_that_no_table_explains_is_a_bug():
    with pytest.raises(ValueError, match="no error has the code 'rubbish'"):
        build(code="rubbish")


def test_every_code_is_raised_and_every_raised_code_explained():
    """Also those of records, which stand first in a tuple."""
    texts = {
        node.value
        for path in SOURCES
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    of_classes = {kind.code for kind in (ErrataError, *ErrataError.__subclasses__())}
    assert sorted(CODES.keys() - of_classes - texts) == []
    stated = {
        keyword.value.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant) and "Error" in ast.unparse(node.func)
    }
    assert sorted(stated - CODES.keys()) == []
