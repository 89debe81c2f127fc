"""`errata world`: what it cannot make is refused before the work, in a line."""

from __future__ import annotations

import pytest

from errata.cli import main


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["pretrain", "huge", "--out", "{}/new"], "error: base: 'huge'; expected one of small, medium"),
        (["pretrain", "small", "huge", "--out", "{}/new"], "error: base: 'huge'"),
        (["pretrain", "small", "--out", "{}/file"], "error: {}/file/small: "),
        (["scenes", "--count", "0", "--out", "{}/new"], "error: count: 0; expected at least 1"),
        (["scenes", "--seed", "-1", "--out", "{}/new"], "error: seed: -1; expected at least 0"),
    ],
)
def test_what_cannot_be_made_is_refused_at_once(command, words, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("errata.pipelines.world.bases.pretrain", lambda *_: pytest.fail("the work began"))
    (tmp_path / "file").write_text("in the way")
    assert main(["world", *(word.replace("{}", str(tmp_path)) for word in command)]) == 2
    output = capsys.readouterr().err
    assert words.replace("{}", str(tmp_path)) in output
    assert "Traceback" not in output
    assert not (tmp_path / "new").exists()


def test_a_demo_s_seed_is_one_that_training_takes(tmp_path, capsys):
    assert main(["demo", "--seed", str(2**32), "--out", str(tmp_path / "demo")]) == 2
    assert "seed: 4294967296; expected at most 4294967295" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
