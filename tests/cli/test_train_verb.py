"""`errata train`: flags become settings, results become lines and exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import errata.training
from errata.cli import main


@dataclass
class Run:
    data: Path
    beta: float = 0.1
    out: Path = Path("runs/train")
    fresh: bool = False
    skip_bad: bool = False
    disable_tqdm: bool = False


@dataclass
class Result:
    out: Path
    model: Path | None
    steps: int
    set_aside: tuple[Any, ...] = ()
    interrupted: bool = False
    tree_check: str | None = None


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Runs that were asked for; `results` are what the next ones end with."""
    (tmp_path / "a.yaml").write_text("beta: 0.5\n")
    monkeypatch.chdir(tmp_path)
    seen: dict[str, list[Any]] = {"runs": [], "results": []}

    def train(settings: Run, on_progress: Any = None) -> Result:
        seen["runs"].append(settings)
        return seen["results"].pop(0)

    monkeypatch.setattr(errata.training, "TrainRun", Run, raising=False)
    monkeypatch.setattr(errata.training, "train", train, raising=False)
    return seen


def test_overrides_and_flags_reach_the_run(trained, capsys):
    trained["results"] = [Result(Path("o"), Path("o/model"), 7)] * 2
    assert main(["train", "a.yaml", "data=x.jsonl"]) == 0
    assert main(["train", "a.yaml", "data=x.jsonl", "beta=1e-1", "--out", "a b", "--fresh", "--skip-bad"]) == 0
    assert trained["runs"] == [
        Run(Path("x.jsonl"), 0.5),
        Run(Path("x.jsonl"), 0.1, Path("a b"), True, True),
    ]
    assert capsys.readouterr().out == f"7 steps: {Path('o/model')}\n" * 2


def test_what_is_incomplete_is_told_and_has_its_exit_code(trained, capsys):
    trained["results"] = [
        Result(Path("o"), Path("o/model"), 7, set_aside=("a",), tree_check="shared prefix is exact"),
        Result(Path("o"), None, 3, interrupted=True),
    ]
    assert main(["train", "a.yaml", "data=x.jsonl"]) == 3
    told = capsys.readouterr().err
    assert "1 record set aside" in told
    assert "shared prefix is exact\n" in told
    assert main(["train", "a.yaml", "data=x.jsonl"]) == 130
    assert "after 3 steps; the same command starts over, as save_strategy is no" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.yaml"], "'data'"),
        (["b.yaml"], "b.yaml: nothing there"),
        (["a.yaml", "data=x", "betta=1"], "did you mean 'beta'"),
        (["a.yaml", "data"], "name=value"),
        (["a.yaml", "data=x", "beta=x"], "a number"),
    ],
)
def test_wrong_settings_exit_with_2(trained, arguments, words, capsys):
    assert main(["train", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert trained["runs"] == []
