"""What a whole demo must do to hallucination; apart from the other tests of the demo, which run a smaller one."""

from __future__ import annotations

from pathlib import Path

import pytest

from errata.pipelines.demo import DemoSettings, run_demo


@pytest.mark.slow
def test_dense_dpo_halves_hallucination_and_keeps_what_was_right(tmp_path: Path):
    result = run_demo(DemoSettings(out=tmp_path / "run", seed=105, split="validation"), lambda *_: None)
    assert result is not None
    before, after = (stage["benchmarks"]["chair"]["metrics"] for stage in result.results["stages"])
    assert 0.3 <= before["chair_s"]["value"] <= 0.5
    assert after["chair_s"]["value"] <= 0.6 * before["chair_s"]["value"]
    assert after["recall"]["value"] >= 0.97 * before["recall"]["value"]
    assert after["words_truthful"]["value"] >= 0.95 * before["words_truthful"]["value"]
    for setting in ("random", "popular", "adversarial"):
        assert result.results["differences"]["ddpo"][f"pope_{setting}"]["f1"]["high"] >= 0
