"""The last complete checkpoint, and a full disk."""

from __future__ import annotations

import errno
import json

import pytest

from errata.errors import StorageError
from errata.training.weights.checkpoints import find_checkpoint, writing


def test_half_written_checkpoints_are_passed_over(tmp_path):
    assert find_checkpoint(tmp_path) is None
    for step, text in [(9, json.dumps({"global_step": 9})), (10, '{"global_st'), (11, None), (100, "[]")]:
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if text is not None:
            (folder / "trainer_state.json").write_text(text)
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoint-9"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("file write failed")])
def test_a_full_disk_is_a_storage_error_and_leaves_no_half(tmp_path, error):
    folder = tmp_path / "checkpoint-3"
    folder.mkdir()
    with pytest.raises(StorageError, match="free space"), writing(folder, remove=True):
        raise error
    assert not folder.exists()


def test_other_errors_pass(tmp_path):
    with pytest.raises(RuntimeError, match="bug"), writing(tmp_path, remove=True):
        raise RuntimeError("bug")
    assert tmp_path.exists()
