"""What a demo is told, the folder it may use, and what it gives back."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from errata.errors import ConfigError
from errata.storage import read_stated, require_own_folder, require_same_run, write_text

MAX_SEED = 2**32 - 1
"""The largest that numpy's generators, and so transformers, take."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What a demo run is told.

    Args:
        out: The run's folder.
        seed: Of scenes, sampling, the annotator and training.
        quick: A tenth of the work; its intervals are wide.
        compare: Also align with DPO, with supervised training on the corrected texts, and on the uncorrected ones.
        corrections: Use only the first so many pairs; None uses all.
        split: Scenes that results are measured on. Settings are chosen on "validation" and reported on "evaluation".
    """

    out: Path
    seed: int = 0
    quick: bool = False
    compare: bool = False
    corrections: int | None = None
    split: Literal["evaluation", "validation"] = "evaluation"

    def __post_init__(self) -> None:
        for name, value, least in (("seed", self.seed, 0), ("corrections", self.corrections, 1)):
            if value is not None and value < least:
                raise ConfigError(name, expected=f"at least {least}", found=str(value), fix="change the value")
        if self.seed > MAX_SEED:  # training would refuse it, after minutes of other stages
            raise ConfigError("seed", expected=f"at most {MAX_SEED}", found=str(self.seed), fix="choose a smaller one")

    @property
    def measured_scenes(self) -> int:
        """Scenes that the model is measured on, before and after."""
        return 120 if self.quick else 600

    @property
    def corrected_scenes(self) -> int:
        """Scenes whose answers are corrected."""
        return 400 if self.quick else 3200


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Where things are, and what `results.json` holds."""

    folder: Path
    results: dict[str, Any]
    report: Path
    complete: bool

    def paths(self) -> dict[str, Path]:
        """What a reader may want to open, by name."""
        return {
            "report": self.report,
            "plots": self.folder / "plots",
            "results": self.folder / "results.json",
            "records": self.folder / "records.jsonl",
            "checkpoint": self.folder / "training" / "ddpo" / "model",
        }


def open_folder(settings: DemoSettings, *, fresh: bool) -> None:
    """Mark the folder as this run's, or check that it is.

    Args:
        settings: Of the run.
        fresh: Remove what an earlier demo wrote there, and nothing else.

    Raises:
        ConfigError: The folder holds a run with other settings, or other files.
    """
    path, stated = settings.out / "demo.json", asdict(settings) | {"out": None}
    if fresh and path.is_file():
        _remove_run(settings.out)
    elif path.is_file():
        found, now = read_stated(path), json.loads(json.dumps(stated))
        require_same_run(path, found, now, expected="the settings of this run", fix="use --fresh or another --out")
    else:
        require_own_folder(settings.out, "an empty folder or a demo's", path)
    write_text(path, json.dumps(stated, indent=1) + "\n")


def _remove_run(folder: Path) -> None:
    for name in ("images", "answers", "training", "plots"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("demo.json", "records.jsonl", "records-own.jsonl", "results.json", "report.html"):
        (folder / name).unlink(missing_ok=True)
