"""What differs between the settings of a run that a folder holds and those of the command given now.

What a run was made with.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def describe_difference(found: Any, stated: Mapping[str, Any], *, free: Collection[str] = ()) -> str | None:
    """The first setting that differs, as `a.b was 1 and is now 2`, and how many more do; None where none does.

    Args:
        found: Plain values as they were written; names that `stated` lacks do not count.
        stated: Plain values of the settings given now.
        free: Names in `stated` that may differ.
    """
    before = dict(_flatten(found if isinstance(found, Mapping) else {}))
    now = dict(_flatten({name: value for name, value in stated.items() if name not in free}))
    names = [
        *now,
        *(name for name in before if name not in now and name.partition(".")[0] in stated.keys() - set(free)),
    ]
    differing = [name for name in names if before.get(name) != now.get(name)]
    if not differing:
        return None
    name, more = differing[0], len(differing) - 1
    text = f"{name} was {before.get(name)!r} and is now {now.get(name)!r}"
    return text + (f", and {more} more differ" if more else "")


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


_PACKAGES = ("errata", "torch", "transformers", "accelerate", "peft", "tokenizers", "datasets", "numpy", "pillow")


def list_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a run's numbers; those that are missing are left out."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
