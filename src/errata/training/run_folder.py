"""The folder of a run: what says which run it is, and whether another may go on in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from errata.config import describe_difference, dump_settings, list_versions
from errata.errors import ConfigError
from errata.records import BAD_FILE, remove_file, write_text
from errata.training.checkpoints import find_checkpoint
from errata.training.digests import digest_data, find_changed

if TYPE_CHECKING:
    from errata.training.run import TrainRun

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
        _require_same(path, stated)
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
            fix="choose another out, or start over with fresh=true",
            code="other-run",
        )


def _require_same(path: Path, stated: dict[str, Any]) -> None:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise ConfigError(
            str(path),
            expected="the settings of a run",
            found="a damaged file",
            fix="start over with fresh=true",
            code="other-run",
        )
    difference = describe_difference(found, stated, free=_FREE)
    if difference:
        raise ConfigError(
            str(path),
            expected="the settings of the run in this folder",
            found=difference,
            fix="choose another out, or start over with fresh=true",
            code="other-run",
        )


def _remove_run(folder: Path) -> None:
    """Remove what a run wrote, and nothing else that the folder may hold."""
    for name in ("model", "base", "start", "reference", "data", *(path.name for path in folder.glob("checkpoint-*"))):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("settings.yaml", "versions.json", BAD_FILE, "log.jsonl", "result.json"):
        remove_file(folder / name)
