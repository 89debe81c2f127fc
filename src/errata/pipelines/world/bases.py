"""`errata world pretrain`: make the shipped bases again, each with its numbers."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from errata.errors import ConfigError
from errata.models import ModelSettings, load_model
from errata.models.tiny import one_thread
from errata.pipelines.world.pretrain import RECIPES, OnStep, PretrainSettings, pretrain
from errata.pipelines.world.scores import measure
from errata.records import BenchmarkResult
from errata.storage import remove_file, replacing, storing, write_json_lines, write_text
from errata.world import EVALUATION, base_folder, sample_scenes, write_images

MEASURED_SCENES = 1000
LOGGED_EVERY = 50


def make_base(
    name: str,
    out: Path,
    on_step: OnStep,
    *,
    settings: PretrainSettings | None = None,
    scenes: int = MEASURED_SCENES,
    fresh: bool = False,
) -> dict[str, Any]:
    """Train a base, save it as bfloat16 in `out/NAME` with `log.jsonl`, measure it and write `metrics.json`.

    A base that is finished in `out`, with the same settings, is left as it is.

    Args:
        name: A name of `pretrain.RECIPES`.
        out: A base that others go on from is taken from here where it was made here, else the shipped one.
        on_step: Called with (stage, step, steps, loss).
        settings: Other settings than the recipe's.
        scenes: How many validation scenes it is measured on.
        fresh: Make it again even where it is finished.

    Returns:
        What `metrics.json` holds: `settings`, and `metrics` as benchmark → metric → value.

    Raises:
        ConfigError: A name without a recipe.
        StorageError: `out` cannot be written.
    """
    _require_known(name)
    settings = settings or RECIPES[name]
    finished = None if fresh else _read_finished(out / name / "metrics.json", settings, scenes)
    if finished is not None:
        return finished
    folder = out / name
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)  # a place that cannot be written is told before the work
    log: list[dict[str, Any]] = []

    def note(stage: str, step: int, steps: int, loss: float) -> None:
        if step % LOGGED_EVERY == 0 or step == steps:
            log.append({"stage": stage, "step": step, "loss": round(loss, 4)})
        on_step(stage, step, steps, loss)

    with one_thread():
        model, processor = pretrain(settings, note, _find_start(settings.start, out))
    remove_file(folder / "metrics.json")  # of an earlier base; it is written last, and says that a base is finished
    model.to(torch.bfloat16).save_pretrained(folder)
    _name_as_on_hub(folder / "model.safetensors")
    processor.save_pretrained(folder)
    write_json_lines(folder / "log.jsonl", log)
    stated = {"settings": asdict(settings), "scenes": scenes, "metrics": measure_base(folder, scenes)}
    write_text(folder / "metrics.json", json.dumps(stated, indent=1) + "\n")
    return stated


def _name_as_on_hub(path: Path) -> None:
    """Name the tower's tensors as the Hub's LLaVA-1.5 does, which is how other engines look for them.

    transformers writes a tower that it loaded under the names it found, and one that was made here without
    `vision_model`; see `revert_weight_conversion` there.
    """
    tower = re.compile(r"^vision_tower\.(?!vision_model\.)")
    tensors = {tower.sub("vision_tower.vision_model.", name): value for name, value in load_file(path).items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})


def _read_finished(path: Path, settings: PretrainSettings, scenes: int) -> dict[str, Any] | None:
    """What `metrics.json`, which is written last, says of a base made with these settings."""
    if not path.is_file():
        return None
    try:
        made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        same = made["settings"] == asdict(settings) and made["scenes"] == scenes
    except (ValueError, KeyError, TypeError):
        return None
    return made if same else None


def measure_base(folder: Path, scenes: int = MEASURED_SCENES) -> dict[str, dict[str, float | None]]:
    """CHAIR and POPE of a base on validation scenes, as benchmark → metric → value."""
    loaded = load_model(ModelSettings(name=str(folder), device="cpu", dtype="float32"))
    drawn = sample_scenes("validation", scenes, 0, EVALUATION)
    with tempfile.TemporaryDirectory() as root:
        write_images(drawn, Path(root))
        results = measure(loaded, drawn, Path(root), folder.name)
    return {name: _values(result) for name, result in results.items()}


def _values(result: BenchmarkResult) -> dict[str, float | None]:
    return {name: None if m.value is None else round(m.value, 4) for name, m in result.metrics.items()}


def _find_start(name: str | None, out: Path) -> Path | None:
    if name is None:
        return None
    made = out / name
    return made if (made / "config.json").is_file() else base_folder(name)


def order_bases(names: Sequence[str]) -> list[str]:
    """The names so that a base comes after the one it goes on from. Raises ConfigError on a name without a recipe."""
    for name in names:
        _require_known(name)
    return sorted(dict.fromkeys(names), key=lambda name: (RECIPES[name].start is not None, list(RECIPES).index(name)))


def _require_known(name: str) -> None:
    if name not in RECIPES:
        raise ConfigError("base", expected=f"one of {', '.join(RECIPES)}", found=repr(name), fix="choose one of them")
