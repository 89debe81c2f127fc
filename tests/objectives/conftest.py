"""The room under test, with every shape and type annotation checked at each call."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
from jaxtyping import install_import_hook

import errata.objectives as plain


@pytest.fixture(scope="session")
def objectives() -> ModuleType:
    """A copy of `errata.objectives` imported under jaxtyping's hook; all other tests keep the plain one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.split(".")[:2] == ["errata", "objectives"]]:
            patch.delitem(sys.modules, name)
        patch.setattr(sys.modules["errata"], "objectives", plain)
        with install_import_hook("errata.objectives", "beartype.beartype"):
            checked = importlib.import_module("errata.objectives")
    assert checked is not plain
    assert sys.modules["errata.objectives"] is plain
    return checked
