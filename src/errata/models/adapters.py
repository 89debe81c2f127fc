"""A PEFT adapter's folder: the base that it names, the tokens that it adds, and how it is put on a model."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoTokenizer

from errata.errors import ModelError
from errata.models.placement import first_line

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_ON_ANOTHER = "name a base for it as BASE+ADAPTER"


@dataclass(frozen=True, slots=True)
class AdapterFolder:
    """An adapter, and the base under it: the one that was asked for, or the one that the adapter names."""

    path: Path
    base: str
    revision: str | None = None


def find_adapter(name: str, adapter_path: str | Path | None = None) -> AdapterFolder | None:
    """The adapter in a model's name: an adapter folder, one of the Hub that was fetched, or `BASE+ADAPTER`; None of a
    whole model.

    Args:
        name: As `ModelSettings.name` has it; the base's where `adapter_path` is stated.
        adapter_path: An adapter for the model called `name`.

    Raises:
        ModelError: No adapter in the folder, several, or one that names no base or a base that is not there.
    """
    if adapter_path is not None:
        return AdapterFolder(Path(adapter_path), name)
    path = _find_fetched(name) or Path(name)
    if (path / CONFIG).is_file():
        return _read_folder(path)
    if "+" in name and not path.exists():
        base, _, adapter = name.rpartition("+")
        path = _find_fetched(adapter) or Path(adapter)
        return AdapterFolder(path, _require_whole(path, base))
    inside = sorted(file.parent.name for file in path.glob(f"*/{CONFIG}")) if _holds_adapters(path) else []
    if inside:
        raise ModelError(
            name,
            expected="a model, or one adapter",
            found=f"a folder of adapters: {', '.join(inside)}",
            fix=f"name one of them, such as {path / inside[0]}",
        )
    return None


def _find_fetched(name: str) -> Path | None:
    """Where an adapter with this name on the Hub lies in the Hub's cache; None where it does not, or of a folder."""
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or Path(name).exists():
        return None
    try:
        found = try_to_load_from_cache(name, CONFIG)
    except ValueError:  # not of the form that a repository's name has
        return None
    return Path(found).parent if isinstance(found, str) else None


def _holds_adapters(path: Path) -> bool:
    """Whether adapters are all that a folder could hold: in one of a run's, models lie beside them."""
    return path.is_dir() and not (path / "config.json").is_file() and not (path / "settings.yaml").is_file()


def _read_folder(path: Path) -> AdapterFolder:
    stated = _read_config(path)
    base, revision = stated.get("base_model_name_or_path"), stated.get("revision")
    if not isinstance(base, str) or not base:
        raise ModelError(str(path / CONFIG), expected="the name of the base model", found="none", fix=_ON_ANOTHER)
    return AdapterFolder(path, _require_whole(path, find_base(path, base)), str(revision) if revision else None)


def _read_config(path: Path) -> dict[str, Any]:
    """What `adapter_config.json` says; nothing where it cannot be read, which PEFT tells in its own words."""
    try:
        stated = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stated if isinstance(stated, dict) else {}


def find_base(adapter: Path, stated: str) -> str:
    """Where the base that an adapter names is.

    A path that leads nowhere from here is tried from the adapter's folder and the folders above it. Of an absolute one,
    which names a place that was left, the last part is looked for beside the adapter, and the last two parts above it.
    """
    path, folder = Path(stated), adapter.absolute()
    if path.is_dir():
        return stated
    if path.is_absolute():
        places = [folder.parent / path.name, *(above / Path(*path.parts[-2:]) for above in folder.parents)]
    else:
        places = [above / path for above in (folder, *folder.parents)]
    found = next((place for place in places if (place / "config.json").is_file()), None)
    return stated if found is None else str(found.resolve())


def _require_whole(adapter: Path, base: str) -> str:
    """The base's name. Raises ModelError for a path that is not there, and for another adapter."""
    path = Path(base)
    if (path / CONFIG).is_file():
        raise ModelError(
            str(adapter),
            expected="a whole model as its base",
            found=f"another adapter, {base}",
            fix="merge that one into its base with errata.models.merge_adapter, and name the result in BASE+ADAPTER",
        )
    if not path.exists() and (path.is_absolute() or base.startswith((".", "~")) or base.count("/") > 1):
        raise ModelError(
            str(adapter), expected="its base where it names it", found=f"nothing at {base}", fix=_ON_ANOTHER
        )
    return base


def load_adapter(model: Any, folder: Path, processor: Any, *, for_training: bool) -> Any:
    """Put an adapter on a model. Its tokens, where it adds any, become the processor's.

    Raises:
        ModelError: No such adapter, or one that does not fit the model or stands outside its layers.
    """
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            str(folder),
            expected=f"a PEFT adapter with {WEIGHTS}",
            found="no such file",
            fix="name a folder that training wrote",
            code="file",
        )
    _take_tokens(model, folder, processor)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            adapted = PeftModel.from_pretrained(model, str(folder), is_trainable=for_training)
    except Exception as error:  # safetensors, PEFT and torch raise many types
        raise _refuse(folder, first_line(error)) from None
    missing = next((str(one.message) for one in told if "missing adapter keys" in str(one.message)), None)
    if missing:  # they would be left as an adapter begins
        raise _refuse(folder, missing.partition(". ")[0])
    require_in_layers(adapted.peft_config["default"], str(folder))
    return adapted


def _refuse(folder: Path, found: str) -> ModelError:
    fix = "check that it was trained on this base model"
    return ModelError(str(folder), expected="a PEFT adapter for this model", found=found, fix=fix)


def require_in_layers(config: Any, where: str) -> None:
    """Raise ModelError for an adapter of prompts or prefixes: passes through a model's parts would leave it out."""
    if config.is_prompt_learning:
        raise ModelError(
            where,
            expected="an adapter inside the model's layers, such as LoRA",
            found=f"one of type {config.peft_type.value}",
            fix="train one with LoRA",
        )


def _take_tokens(model: Any, folder: Path, processor: Any) -> None:
    """Give the processor the adapter's tokenizer where that is larger, and the embeddings the adapter's size."""
    if (folder / "tokenizer_config.json").is_file():
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder))
        except Exception as error:  # the tokenizer classes raise many types
            raise _refuse(folder, first_line(error)) from None
        if len(tokenizer) > len(processor.tokenizer):
            tokenizer.chat_template = processor.tokenizer.chat_template or tokenizer.chat_template
            processor.tokenizer = tokenizer
    rows = _count_rows(folder, model, len(processor.tokenizer))
    if rows is not None and rows != model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)  # the adapter brings what stands in the new rows


def _count_rows(folder: Path, model: Any, tokens: int) -> int | None:
    """How many embeddings the adapter was trained with, where it holds any of them."""
    embeddings = model.get_input_embeddings()
    leaf = next(name for name, module in model.named_modules() if module is embeddings).rpartition(".")[2]
    with safe_open(folder / WEIGHTS, "pt") as file:
        whole = [name for name in file.keys() if name.endswith(f".{leaf}.weight")]  # noqa: SIM118
        if whole:
            return int(file.get_slice(whole[0]).get_shape()[0])
    chosen = _read_config(folder).get("trainable_token_indices")
    places = [place for part in (chosen.values() if isinstance(chosen, dict) else [chosen or []]) for place in part]
    beyond = max(places, default=-1) >= embeddings.weight.shape[0]
    return max(tokens, max(places) + 1) if beyond else None
