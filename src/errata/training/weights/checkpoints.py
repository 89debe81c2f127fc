"""Checkpoints that can be trusted: the last complete one, and a full disk told as such."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers import PreTrainedModel

from errata.errors import ConfigError, StorageError
from errata.models import quiet_transformers

_NAME = re.compile(r"checkpoint-(\d+)")


def find_checkpoint(folder: str | Path) -> Path | None:
    """The checkpoint of the latest step that was written to its end, or None.

    The Trainer writes `trainer_state.json` last: a folder without it, or with half of it, was being written when the
    process was killed.
    """
    found = []
    for path in Path(folder).glob("checkpoint-*"):
        match = _NAME.fullmatch(path.name)
        if match and _read_step(path) == int(match[1]):
            found.append((int(match[1]), path))
    return max(found)[1] if found else None


def require_checkpoint(folder: str | Path) -> Path:
    """The checkpoint to go on from. Raises ConfigError where there is none."""
    found = find_checkpoint(folder)
    if found is None:
        raise ConfigError(
            "resume_from_checkpoint",
            expected=f"a complete checkpoint in {folder}",
            found="none",
            fix="leave it out to start at the first step",
        )
    return found


def load_weights(model: PreTrainedModel, folder: str | Path) -> None:
    """Load a checkpoint's weights into the model, all of them.

    The Trainer's own way reads a file's names as they are and only warns of those that do not fit. A LLaVA is saved
    under other names than its parameters have, so that nothing at all would be loaded.
    """
    with quiet_transformers():
        saved = type(model).from_pretrained(str(folder), dtype=model.dtype)
    model.load_state_dict(saved.state_dict(), strict=True)


def _read_step(path: Path) -> int | None:
    try:
        state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state.get("global_step") if isinstance(state, dict) else None


@contextmanager
def writing(folder: str | Path, *, remove: bool) -> Iterator[None]:
    """Turn a full or unwritable disk into StorageError; `remove` the half-written folder, older ones stay."""
    try:
        with quiet_transformers():
            yield
    except Exception as error:  # safetensors and torch have types of their own for what the system says
        cause = _find_cause(error)
        if remove and (cause is not None or isinstance(error, StorageError)):
            shutil.rmtree(folder, ignore_errors=True)
        if cause is None:
            raise
        raise StorageError.from_system(folder, cause) from error


def _find_cause(error: Exception) -> OSError | None:
    """What the system said about the disk, if that is what went wrong."""
    if isinstance(error, StorageError):
        return None
    if isinstance(error, OSError):
        return error
    # safetensors and torch pass the system's message on as text.
    number = re.search(r"\(os error (\d+)\)", str(error))
    if number:
        return OSError(int(number[1]), os.strerror(int(number[1])))
    full = "No space left" in str(error) or "file write failed" in str(error)
    return OSError(errno.ENOSPC, "it could not be written to its end") if full else None
