"""How a sentence encoder makes one vector of its tokens, as folders of sentence-transformers state it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from torch import Tensor

from errata.errors import ModelError

PoolingMode = Literal["mean", "cls", "last"]
_MODES: dict[str, PoolingMode] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, slots=True)
class Pooling:
    """`mode` says which tokens count; `max_tokens` is the longest text that the folder states, if any."""

    mode: PoolingMode = "mean"
    max_tokens: int | None = None


def read_pooling(name: str, revision: str | None = None) -> Pooling:
    """What modules.json and the files it names say; the mean where there is no such file.

    Raises:
        ModelError: Modules or a mode that are not known here.
    """
    modules = _read_json(name, "modules.json", revision)
    if modules is None:
        return Pooling()
    kinds = {str(module["type"]).rpartition(".")[2]: str(module["path"]) for module in modules}
    if other := sorted(set(kinds) - set(_MODULES)):
        raise _refuse(name, f"modules {', '.join(_MODULES)}", ", ".join(other))
    if kinds.get("Transformer"):
        raise _refuse(name, "weights beside modules.json", f"weights in {kinds['Transformer']}")
    stated = _read_json(name, f"{kinds['Pooling']}/config.json", revision) if "Pooling" in kinds else None
    modes = [key for key, value in (stated or {}).items() if key.startswith("pooling_mode") and value is True]
    if len(modes) > 1 or (modes and modes[0] not in _MODES):
        raise _refuse(name, "one of mean, first or last token", " and ".join(modes))
    length = (_read_json(name, "sentence_bert_config.json", revision) or {}).get("max_seq_length")
    return Pooling(_MODES[modes[0]] if modes else "mean", length)


def pool(states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """`[B, T, H]` and the mask `[B, T]` of real tokens -> `[B, H]`."""
    if pooling.mode == "mean":
        weights = mask[..., None].to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)
    places = mask.long().cumsum(1).argmax(1) if pooling.mode == "last" else mask.long().argmax(1)
    return states[range(len(states)), places]


def _refuse(name: str, expected: str, found: str) -> ModelError:
    return ModelError(name, expected=expected, found=found, fix="choose another sentence encoder")


def _read_json(name: str, file: str, revision: str | None) -> Any:
    """A file of the model; None where it has none."""
    try:
        path = Path(name) / file if Path(name).is_dir() else Path(hf_hub_download(name, file, revision=revision))
        return json.loads(path.read_text(encoding="utf-8"))
    except (EntryNotFoundError, FileNotFoundError):
        return None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{name}/{file}",
            expected="a readable file of JSON",
            found=str(error),
            fix="fetch the model again",
            code="file",
        ) from None
