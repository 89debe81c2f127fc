"""One training run from settings to a saved model: a folder that says what was run, and that can be continued.

Supervised fine-tuning: the same run with an objective that compares nothing.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from errata.config import dump_settings
from errata.data import DataPart, LoadedRecords, load_mixture, load_records
from errata.errors import ConfigError
from errata.models import LoadedModel, ModelSettings, find_adapter, load_model
from errata.records import BAD_FILE, BadRow, write_bad_rows
from errata.storage import read_json_lines, write_json_lines, write_text
from errata.training.callbacks import OnProgress, Progress
from errata.training.encode import SetAside
from errata.training.run.folder import open_run_folder
from errata.training.sampler import require_step
from errata.training.settings import PreferenceConfig
from errata.training.trainer import PreferenceTrainer
from errata.training.weights import LoraSettings, choose_dtype, find_checkpoint, require_adapters_alone

_OUT = Path("runs/train")


@dataclass(kw_only=True)
class TrainRun(PreferenceConfig):
    """Everything one `errata train` is told; every field of `PreferenceConfig` stands beside these.

    Args:
        data: What `load_records` reads: our JSON lines, an imported folder, conversations, a parquet file; or a mixture
            of several, each with a weight.
        ignore_columns: Columns of foreign data, with commas, that are left out as if they were not there.
        model: Which model is trained.
        eval_data: The same, to evaluate on as `eval_strategy` says.
        out: The run's folder.
        lora: Train low-rank adapters instead of the whole language model.
        fresh: Start over even where `out` holds a run.
        do_train: Stays true.
    """

    data: Path | tuple[DataPart, ...]
    model: ModelSettings
    eval_data: Path | None = None
    ignore_columns: str = ""
    out: Path = _OUT
    lora: LoraSettings | None = None
    fresh: bool = False
    do_train: bool = True

    def __post_init__(self) -> None:
        self._name_folder()
        self.use_cpu = bool(self.use_cpu) or self.model.device == "cpu"  # type: ignore[has-type]
        if self.model.dtype == "auto" and not (self.use_cpu or self.fp16) and torch.cuda.is_available():
            self.bf16 = True  # the passes only; weights that learn stay float32
        super().__post_init__()
        self._check_run()

    def _name_folder(self) -> None:
        """Let `output_dir`, the Trainer's name, stand for `out` where that is left out."""
        self.output_dir: str | None
        if self.output_dir and self.out == _OUT:
            self.out = Path(self.output_dir).expanduser()
        self.output_dir = str(self.out)

    def to_dict(self) -> dict[str, Any]:
        """The settings as values that JSON can hold, as trackers want them."""
        plain = dump_settings(self)
        values: dict[str, Any] = super().to_dict()
        return {name: plain.get(name, value) for name, value in values.items()}

    def _check_run(self) -> None:
        """Raise ConfigError for settings that would be ignored or fail late."""
        if self.resume_from_checkpoint is not None:
            fix = "leave it out: the same command continues the run in its folder"
            raise ConfigError("resume_from_checkpoint", expected="nothing", found=self.resume_from_checkpoint, fix=fix)
        strategy = str(self.eval_strategy.value)
        evaluates = strategy != "no" or self.eval_on_start
        if evaluates and self.eval_data is None:
            asked = f"eval_strategy {strategy!r}" if strategy != "no" else "eval_on_start"
            found = f"{asked} without it"
            raise ConfigError("eval_data", expected="records to evaluate on", found=found, fix="add eval_data=FILE")
        if not evaluates:
            self._refuse_unused_evaluation()
        if self.lora is not None:
            require_adapters_alone(vision=self.train_vision, projector=self.train_projector)
        if not self.do_train:
            fix = "leave it out; `errata eval` measures a model without training it"
            raise ConfigError("do_train", expected="true", found="false", fix=fix)

    def _refuse_unused_evaluation(self) -> None:
        """Raise ConfigError for settings of an evaluation that would never be run."""
        for name in ("eval_data", "eval_steps", "do_eval"):
            value = getattr(self, name)
            if value:
                fix = f"set it, or leave {name} out"
                raise ConfigError("eval_strategy", expected=f"steps or epoch beside {name}", found="no", fix=fix)


@dataclass(frozen=True, slots=True)
class TrainResult:
    """Where a run ended and what it wrote.

    Attributes:
        out: The run's folder.
        model: The saved model or adapter with its processor; None where the run was interrupted.
        steps: Optimiser steps done, those before an interruption included.
        metrics: The last value of everything in the log.
        set_aside: Records left out of training, with the reasons (also in `bad.jsonl`).
        resumed_from: The checkpoint that the run continued from.
        interrupted: A signal ended it; the same command continues it.
        signalled: A signal came, if only after the last step: whoever has more to do stops here.
        tree_check: What the comparison of the first record with separate passes found; None where none was made.
        start: What became of an adapter that the run began with; None where it began with a whole model.
    """

    out: Path
    model: Path | None
    steps: int
    metrics: dict[str, float]
    set_aside: tuple[SetAside, ...]
    resumed_from: Path | None
    interrupted: bool
    tree_check: str | None = None
    start: str | None = None
    signalled: bool = False


def train(settings: TrainRun, on_progress: OnProgress | None = None) -> TrainResult:
    """Train as the settings say, or continue the run that `settings.out` holds; a finished one is left as it is.

    Args:
        settings: The whole run.
        on_progress: Called with a stage, how much of it is done, and of how much; None shows bars.

    Raises:
        ConfigError: `out` holds a run with other settings or of other data.
        DataError: Records that cannot be used, or none that can.
        ModelError: A model that cannot be loaded; DivergedError for a loss or gradient that is no number or explodes.
        StorageError: A full disk; the last complete checkpoint is kept.
    """
    settings.disable_tqdm = settings.disable_tqdm or on_progress is not None
    with settings.main_process_first(desc="run folder"):
        open_run_folder(settings)
    finished = _read_finished(settings)
    if finished is not None:
        return finished
    checkpoint = _find_checkpoint(settings)
    bad: list[BadRow] = []
    data = _load_data(settings, bad)  # a bad row is told before a large model is loaded
    if settings.dataloader_drop_last:
        require_step(len(data.records), data.portions, settings.step_records)
    eval_data = _load(settings.eval_data, settings, bad) if settings.eval_data else None
    trainer = PreferenceTrainer(
        model=_load_model(settings, on_progress),
        args=settings,
        train_dataset=data,
        eval_dataset=eval_data,
        peft_config=settings.lora.build() if settings.lora else None,
        on_progress=on_progress,
    )
    aside = (*(SetAside(row.where, row.reason) for row in bad), *trainer.set_aside)
    if settings.should_save:
        write_bad_rows(settings.out, aside)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:  # a run that diverged is looked at most of all
        if settings.should_save:
            write_json_lines(settings.out / "log.jsonl", map(_keep_finite, trainer.state.log_history))
    return _finish(settings, trainer, aside, checkpoint)


def _find_checkpoint(settings: TrainRun) -> Path | None:
    """The checkpoint to go on from. Raises ConfigError where it holds weights alone."""
    found = find_checkpoint(settings.out)
    if found is not None and settings.save_only_model:
        raise ConfigError(
            "save_only_model",
            expected="a checkpoint with the optimiser's state to go on from",
            found=f"weights alone in {found.name}",
            fix="start over with fresh=true; the weights can be evaluated as they are",
            code="other-run",
        )
    return found


def _load_model(settings: TrainRun, on_progress: OnProgress | None) -> LoadedModel:
    tell = Progress(settings, on_progress).tell
    tell("loading the model", 0, 1)
    adapters = settings.lora is not None or find_adapter(settings.model.name) is not None
    if adapters:
        require_adapters_alone(vision=settings.train_vision, projector=settings.train_projector)
    loaded = load_model(choose_dtype(settings.model, adapters=adapters), for_training=True)
    tell("loading the model", 1, 1)
    return loaded


def _load_data(settings: TrainRun, bad: list[BadRow]) -> LoadedRecords:
    """The records to train on, of one file or of all parts of a mixture."""
    if isinstance(settings.data, Path):
        return _load(settings.data, settings, bad)
    on_bad, folder = bad.append if settings.skip_bad else None, settings.out / "data"
    with settings.main_process_first(desc="data"):
        return load_mixture(
            settings.data, settings.image_root, import_dir=folder, ignore=_list_ignored(settings), on_bad=on_bad
        )


def _load(path: Path, settings: TrainRun, bad: list[BadRow]) -> LoadedRecords:
    on_bad, folder = bad.append if settings.skip_bad else None, settings.out / "data" / path.stem
    with settings.main_process_first(desc="data"):  # one process writes the images of a parquet file
        return load_records(path, settings.image_root, import_dir=folder, ignore=_list_ignored(settings), on_bad=on_bad)


def _list_ignored(settings: TrainRun) -> list[str]:
    return [name.strip() for name in settings.ignore_columns.split(",") if name.strip()]


def _finish(
    settings: TrainRun, trainer: PreferenceTrainer, aside: tuple[SetAside, ...], checkpoint: Path | None
) -> TrainResult:
    folder = None if trainer.interrupted else settings.out / "model"
    if folder is not None:
        trainer.save_model(str(folder))
    metrics = {name: value for line in trainer.state.log_history for name, value in _keep_finite(line).items()}
    steps = trainer.state.global_step
    if folder is not None and settings.should_save:
        done = {"steps": steps, "metrics": metrics, "tree_check": trainer.tree_check, "start": trainer.start}
        write_text(settings.out / "result.json", json.dumps(done, indent=1) + "\n")
    told = (trainer.tree_check, trainer.start, trainer.signalled)
    return TrainResult(settings.out, folder, steps, metrics, aside, checkpoint, trainer.interrupted, *told)


def _keep_finite(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the log without NaN and infinity, which JSON has not: float16's overflows are such gradient norms."""
    return {name: value for name, value in line.items() if not isinstance(value, float) or math.isfinite(value)}


def _read_finished(settings: TrainRun) -> TrainResult | None:
    """The result of the run in this folder, if it came to its end."""
    path = settings.out / "result.json"
    if not (path.is_file() and (settings.out / "model").is_dir()):
        return None
    try:
        done = json.loads(path.read_text(encoding="utf-8"))
        steps, metrics, check = done["steps"], done["metrics"], done["tree_check"]
    except (ValueError, KeyError, TypeError):
        return None  # damaged: go on from the last checkpoint
    bad = settings.out / BAD_FILE
    aside = tuple(SetAside(row["id"], row["reason"]) for _, row in read_json_lines(bad)) if bad.is_file() else ()
    model = settings.out / "model"
    return TrainResult(settings.out, model, steps, metrics, aside, None, False, check, done.get("start"))


@dataclass(kw_only=True)
class SftRun(TrainRun):
    """Everything one `errata sft` is told: a `TrainRun` whose objective is `sft` where nothing else is said.

    The loss of a record is the mean of -log p over the tokens that the assistant writes in all its turns, and a step's
    loss the mean over its records: a short answer counts as much as a long one.

    Raises:
        ConfigError: An objective that compares responses.
    """

    objective: str | None = "sft"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.build_objective().pairing != "none":
            raise ConfigError(
                "objective",
                expected="one that compares nothing, such as 'sft'",
                found=repr(self.objective),
                fix="run the recipe with `errata train`",
            )
