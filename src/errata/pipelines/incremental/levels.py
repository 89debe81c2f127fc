"""Incremental generation: copies of one model tuned on growing shares of an instruction set, and their answers.

AMP's second construction (arXiv 2405.11165, section 3.1 and algorithm 1). More data is taken for better answers, so the
copy with the largest share comes first and the untouched model last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from errata.config import load_settings
from errata.data import LoadedRecords, load_records
from errata.data.shaping import RecordFile, require_folder
from errata.errors import ConfigError, DataError
from errata.feedback import LEVELS, Feedback
from errata.pipelines.feedback.expert_levels import Asking, ask_experts, finish_levels, read_prompts
from errata.pipelines.progress import OnProgress, name_progress
from errata.records import Record, write_records
from errata.training import SftRun, TrainResult, train

OURS = ("model.name", "data", "image_root", "out", "fresh")
"""Settings of a training that the pipeline makes itself."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the copies come to be.

    Args:
        model: The pretrained model that every copy starts from.
        instructions: What `load_records` reads: supervised records, or conversations in any format we know.
        image_root: Where the image paths of the instructions start; None is their folder.
        shares: N copies; the i-th learns the first i of N parts of the instructions.
        seed: Of the order in which the instructions fall into parts.
        recipe: A YAML file or the name of a packaged recipe, as `errata sft` takes it.
        overrides: `name=value` beside the recipe.
    """

    model: str
    instructions: Path
    image_root: Path | None = None
    shares: int = 3
    seed: int = 0
    recipe: str = "sft"
    overrides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        most = LEVELS[-1] - 2
        if not 1 <= self.shares <= most:
            expected = (
                f"1 to {most}: with the standard answer and the untouched model that makes 3 to {LEVELS[-1]} levels"
            )
            raise ConfigError("shares", expected=expected, found=str(self.shares), fix="change --shares")
        taken = [one for one in self.overrides if one.partition("=")[0].strip() in OURS]
        if taken:
            raise ConfigError(
                f"override {taken[0]!r}",
                expected="a setting of the training alone",
                found="one that this command makes",
                fix="leave it out; model, instructions and folder have options of their own",
            )


def collect_incremental_levels(
    source: RecordFile,
    tuning: Tuning,
    out: str | Path,
    asking: Asking | None = None,
    *,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> Feedback | None:
    """Tune the copies, ask each and the untouched model, and put their answers below the standard answer.

    Args:
        source: The prompts; the first response of each is its standard answer.
        tuning: How the copies come to be.
        out: A folder: `out`/training/I-of-N holds the run of each copy, `out`/answers what each said. What is there is
            kept; a training that was stopped goes on from its last checkpoint.
        asking: How answers are drawn, and what is done with those that cannot be used.
        fresh: Train and ask again.
        on_progress: Told about every step and every batch of answers.

    Returns:
        The records; None where a signal ended a training, which the same call continues.

    Raises:
        ConfigError: A recipe or override that does not fit, or a folder that holds another run.
        DataError: Fewer instructions than shares, records that cannot be read, or `out` is the folder being read.
        ModelError: A model that cannot be loaded.
    """
    out, asking = Path(out), asking or Asking()
    asking.levels.require_fits(2 + tuning.shares)
    require_folder(out, source)
    prompts = read_prompts(source)
    runs = plan_runs(tuning, out, fresh=fresh)
    results = []
    for run in runs:
        results.append(_train(run, on_progress))
        if results[-1].signalled:
            return None
    sizes = [run.count for run in runs]
    named = {f"{tuning.model}, tuned on {run.count} of {sizes[-1]}": str(run.settings.out / "model") for run in runs}
    models = dict(reversed(named.items())) | {tuning.model: tuning.model}
    experts = ask_experts(prompts, models, source.root, out, asking, fresh, on_progress)
    feedback = finish_levels("ig", prompts, experts, asking)
    feedback.settings["tuning"] = _describe(tuning)
    feedback.lost += sum(len(result.set_aside) for result in results)
    feedback.report["shares"] = [
        {"instructions": run.count, "steps": result.steps, "set_aside": len(result.set_aside)}
        for run, result in zip(runs, results, strict=True)
    ]
    return feedback


@dataclass(frozen=True, slots=True)
class ShareRun:
    """The training of one copy, and how many instructions it learns."""

    settings: SftRun
    count: int


def plan_runs(tuning: Tuning, out: Path, *, fresh: bool = False) -> list[ShareRun]:
    """Write the shares and build the settings of each training, the smallest share first, before any is begun.

    Raises as `collect_incremental_levels`.
    """
    loaded = load_records(tuning.instructions, tuning.image_root, import_dir=out / "instructions")
    runs = []
    for number, records in enumerate(split_shares(loaded, tuning), 1):
        folder = out / "training" / f"{number}-of-{tuning.shares}"
        data = folder / "instructions.jsonl"
        write_records(data, records)
        ours = (tuning.model, data, loaded.image_root, folder, str(fresh).lower())
        overrides = [*tuning.overrides, *(f"{name}={value}" for name, value in zip(OURS, ours, strict=True))]
        runs.append(ShareRun(load_settings(SftRun, tuning.recipe, overrides), len(records)))
    return runs


def split_shares(loaded: LoadedRecords, tuning: Tuning) -> list[list[Record]]:
    """The first 1, 2, … N of N random parts, in the order of the file; every share holds the smaller ones.

    Raises:
        DataError: Fewer instructions than shares: two shares would be the same.
    """
    total = len(loaded.records)
    if total < tuning.shares:
        fix = f"give more instructions, or at most --shares {total}" if total else "check the file"
        raise DataError(
            str(tuning.instructions),
            expected=f"at least {tuning.shares} instructions, one for each share",
            found=f"{total}",
            fix=fix,
        )
    order = np.random.default_rng(tuning.seed).permutation(total)
    ends = [total * number // tuning.shares for number in range(1, tuning.shares + 1)]
    return [[loaded.records[place] for place in sorted(order[:end])] for end in ends]


def _train(run: ShareRun, on_progress: OnProgress | None) -> TrainResult:
    return train(run.settings, name_progress(on_progress, run.settings.out.name))


def _describe(tuning: Tuning) -> dict[str, Any]:
    return {
        "model": tuning.model,
        "instructions": str(tuning.instructions),
        "shares": tuning.shares,
        "seed": tuning.seed,
        "recipe": tuning.recipe,
        "overrides": list(tuning.overrides),
    }
