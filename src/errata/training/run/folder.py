"""The folder of a run: what says which run it is, and whether another may go on in it.

What the data of a run hold, in short: the epochs of one run must be of the same.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from errata.config import dump_settings, list_versions
from errata.data import RECORDS_FILE, DataPart
from errata.errors import ConfigError
from errata.records import BAD_FILE
from errata.storage import read_stated, remove_file, require_same_run, write_text
from errata.training.weights import find_checkpoint

if TYPE_CHECKING:
    from errata.training.run.run import TrainRun


Data = Path | tuple[DataPart, ...]
"""One file or imported folder, or the parts of a mixture."""


def digest_data(data: Data) -> str | list[str | None] | None:
    """SHA-256 of the file, or of the file of each part; None for one that is not there."""
    return _digest_file(data) if isinstance(data, Path) else [_digest_file(part.path) for part in data]


def find_changed(data: Data, before: Any) -> str | None:
    """The paths whose content is not what `before`, a digest by `digest_data`, says; None where all is as it was."""
    now = digest_data(data)
    if now == before:
        return None
    paths = [data] if isinstance(data, Path) else [part.path for part in data]
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        paths = [path for path, one, other in zip(paths, now, before, strict=True) if one != other]
    return ", ".join(map(str, paths))


def _digest_file(path: Path) -> str | None:
    file = path / RECORDS_FILE if path.is_dir() else path
    if not file.is_file():  # `datasets` saves a folder of Arrow files
        files = sorted(path.rglob("*.arrow")) if path.is_dir() else []
        return hashlib.sha256("".join(map(_digest, files)).encode()).hexdigest() if files else None
    return _digest(file)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_FIX = "choose another out, or start over with fresh=true"
_FREE = ("out", "output_dir", "fresh", "disable_tqdm", "local_rank", "max_loss", "do_train")
"""Settings that may differ when a run is continued."""


def open_run_folder(settings: TrainRun) -> None:
    """Write the resolved settings, versions and data's digest, or check that the run found there had the same.

    Raises:
        ConfigError: The folder holds a run with other settings or of other data.
    """
    stated = dump_settings(settings)
    path = settings.out / "settings.yaml"
    if settings.fresh and settings.should_save:
        _remove_run(settings.out)
    # A run that never came to a checkpoint binds nobody: its settings may have been what was wrong with it.
    if path.is_file() and (find_checkpoint(settings.out) or (settings.out / "model").is_dir()):
        require_same_run(
            path, read_stated(path), stated, expected="the settings of the run in this folder", fix=_FIX, free=_FREE
        )
        _require_same_data(settings)
        return
    write_text(path, yaml.safe_dump(stated, sort_keys=False, allow_unicode=True))
    made_with = list_versions() | {"data": digest_data(settings.data)}
    write_text(settings.out / "versions.json", json.dumps(made_with, indent=1) + "\n")


def _require_same_data(settings: TrainRun) -> None:
    """Raise ConfigError where the records have changed: the epochs of one run must be of the same."""
    try:
        found = json.loads((settings.out / "versions.json").read_text(encoding="utf-8"))["data"]
    except (OSError, ValueError, KeyError, TypeError):
        found = "unknown"
    changed = find_changed(settings.data, found)
    if changed:
        raise ConfigError(
            changed,
            expected="the data of the run in this folder",
            found="other data",
            fix=_FIX,
            code="other-run",
        )


def _remove_run(folder: Path) -> None:
    """Remove what a run wrote, and nothing else that the folder may hold."""
    for name in ("model", "base", "start", "reference", "data", *(path.name for path in folder.glob("checkpoint-*"))):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("settings.yaml", "versions.json", BAD_FILE, "log.jsonl", "result.json"):
        remove_file(folder / name)
