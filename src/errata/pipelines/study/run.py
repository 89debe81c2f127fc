"""Studies on the synthetic world: several conditions, the same seeds for each, means with intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev

from errata.config import dump_settings
from errata.models.tiny import one_thread
from errata.pipelines.progress import OnProgress
from errata.pipelines.study.data import measure_auto_check, measure_corrections, measure_levels
from errata.pipelines.study.ground import Ground, Split
from errata.pipelines.study.rounds import measure_best_of, measure_rounds
from errata.pipelines.study.settings import Condition, Kind, WorldStudy
from errata.reports import STUDY_FIGURES, draw_table
from errata.storage import read_stated, require_same_run, write_text

T_QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's t at 97.5 %, by degrees of freedom from 1; beyond them the normal's 1.96 is near enough."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over seeds with its 95 % interval (Student's t); None with one seed."""

    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]


Summary = dict[str, dict[str, Spread]]
"""Condition -> number -> its spread."""


Measure = Callable[[WorldStudy, Condition, Ground, str], dict[str, float]]

KINDS: dict[Kind, Measure] = {
    "levels": measure_levels,
    "auto_check": measure_auto_check,
    "corrections": measure_corrections,
    "rounds": measure_rounds,
    "best_of": measure_best_of,
}
"""What measures a condition with one seed."""


def run_study(
    study: WorldStudy, seeds: Sequence[int], out: Path, *, split: Split = "evaluation", on_progress: OnProgress
) -> Summary:
    """Run every condition with every seed, or what is left of it, and write `out`/study.json and study.png.

    Raises:
        ConfigError: `out` holds another study, or a condition lacks what its kind needs.
        StorageError: `out` cannot be written.
    """
    _open_folder(study, split, out)
    measure = KINDS[study.kind]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in study.conditions}
    with one_thread():
        for seed in seeds:
            ground = Ground(out / f"seed-{seed}", seed, study.measured_scenes, split, on_progress)
            for number, (name, condition) in enumerate(study.conditions.items(), 1):
                told = f"seed {seed}, {name}"
                path = ground.root / f"condition-{number}.json"
                if not path.is_file():
                    values = measure(study, condition, ground, f"condition-{number}")
                    write_text(path, json.dumps(_relate(values, ground), indent=1) + "\n")
                on_progress(told, 1, 1)
                found[name].append(json.loads(path.read_text(encoding="utf-8")))
    first = next(iter(found.values()))
    summary = {name: _summarise(rows, first) for name, rows in found.items()}
    content = {"title": study.title, "split": split, "seeds": list(seeds), "settings": dump_settings(study)}
    content["conditions"] = {name: {k: asdict(v) for k, v in rows.items()} for name, rows in summary.items()}
    write_text(out / "study.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    draw_table(STUDY_FIGURES, content, out)
    return summary


def _relate(values: dict[str, float], ground: Ground) -> dict[str, float]:
    """The numbers beside the base's: how much CHAIR_s fell and how much of recall is left."""
    base = ground.base
    return {
        "base_chair_s": base["chair_s"],
        "chair_s_drop": 1 - values["chair_s"] / base["chair_s"],
        "recall_kept": values["recall"] / base["recall"],
        **values,
    }


def _summarise(rows: Sequence[Mapping[str, float]], first: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Every number over the seeds, and CHAIR_s less that of the first condition, seed by seed: all conditions of a seed
    share scenes, so that the difference is known better than either."""
    summary = {name: spread([row[name] for row in rows]) for name in rows[0]}
    if rows is not first:
        pairs = zip(rows, first, strict=True)
        summary["chair_s_against_first"] = spread([row["chair_s"] - other["chair_s"] for row, other in pairs])
    return summary


def spread(values: Sequence[float]) -> Spread:
    """Mean and interval of one number per seed."""
    mean = fmean(values)
    if len(values) < 2:
        return Spread(mean, None, None, tuple(values))
    degrees = len(values) - 1
    quantile = T_QUANTILES[degrees - 1] if degrees <= len(T_QUANTILES) else 1.96
    half = quantile * stdev(values) / math.sqrt(len(values))
    return Spread(mean, mean - half, mean + half, tuple(values))


def _open_folder(study: WorldStudy, split: Split, out: Path) -> None:
    path, stated = out / "settings.json", dump_settings(study) | {"split": split}
    if path.is_file():
        fix = "choose another --out, or remove the folder"
        require_same_run(path, read_stated(path), stated, expected="the study of this folder", fix=fix)
    write_text(path, json.dumps(stated, ensure_ascii=False, indent=1) + "\n")
