"""The guard of a run: a command goes on with what was made under its own settings, and with nothing else."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from errata.errors import ConfigError

START_OVER = "choose another --out, or start over with --fresh"


def require_same_run(
    where: str | Path,
    found: Any,
    stated: Mapping[str, Any],
    *,
    expected: str,
    what: str = "settings",
    fix: str = START_OVER,
    free: Collection[str] = (),
) -> None:
    """Raise ConfigError (`other-run`) with the first setting that differs.

    Args:
        where: The file that says which run it is.
        found: What it says, as plain values; None where it cannot be read.
        stated: The settings given now, as plain values.
        expected: What a folder must hold for the command to go on.
        what: What they are, as the message names them: settings, or answers.
        fix: What the user can do instead.
        free: Names in `stated` that may differ.
    """
    difference = describe_difference(found, stated, free=free)
    if found is None or difference:
        text = f"no {Path(where).name} that can be read" if found is None else f"{what} of another run: {difference}"
        raise ConfigError(str(where), expected=expected, found=text, fix=fix, code="other-run")


def require_own_folder(folder: Path, expected: str, own: Path) -> None:
    """Raise ConfigError (`other-run`) for a folder that holds anything but the file `own`."""
    if folder.is_dir() and any(one != own for one in folder.iterdir()):
        fix = "choose another --out"
        raise ConfigError(str(folder), expected=expected, found="other files", fix=fix, code="other-run")


def read_stated(path: Path) -> Any:
    """The settings that a file of JSON or YAML holds; None where it is not there or cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None


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
