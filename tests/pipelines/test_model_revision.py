"""The commit of a Hub model stands in the results where its folder tells it."""

from __future__ import annotations

import json

import huggingface_hub.constants
import pytest

from errata.pipelines.evaluate.results import find_revisions

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A Hub cache with one model, as huggingface_hub lays it out; returns the snapshot."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--some--model"
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "snapshots" / COMMIT / "config.json").write_text("{}")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    return folder / "snapshots" / COMMIT


def test_a_name_and_a_snapshot_have_a_commit(cached):
    assert find_revisions("some/model") == {"some/model": COMMIT}
    assert find_revisions(str(cached)) == {str(cached): COMMIT}


def test_an_adapter_has_its_own_and_its_bases(cached, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "some/model"}))
    assert find_revisions(str(adapter)) == {str(adapter): None, "some/model": COMMIT}
    assert find_revisions(f"some/model+{adapter}") == {"some/model": COMMIT, str(adapter): None}


@pytest.mark.parametrize("model", ["openai:m@http://localhost/v1", "some/other", "no such/name/at/all"])
def test_where_none_is_known_there_is_none(cached, model):
    assert find_revisions(model) == {model: None}
