"""Texts -> unit vectors: the text side of a CLIP model, or a sentence encoder, from the Hub or a folder.

How a sentence encoder makes one vector of its tokens, as folders of sentence-transformers state it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer, CLIPTextModelWithProjection

from errata.errors import ModelError
from errata.models.loading import check_folder, quiet_transformers
from errata.models.placement import find_device, find_dtype, first_line
from errata.models.protocol import ModelSettings

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


BATCH = 64
_FIX = "name a CLIP model or a sentence encoder, as a folder or a Hub name"


@dataclass(frozen=True, slots=True)
class TextVectors:
    """`vectors` is `[texts, width]`, float32, each of length 1; `truncated` says which texts were cut."""

    vectors: NDArray[np.float32]
    truncated: list[bool]


class TextEncoder:
    """A loaded encoder.

    Attributes:
        name: As it was asked for.
        kind: `clip` (the projection into the space shared with images) or `sentence` (tokens pooled).
        max_tokens: A longer text is cut there, special tokens included: 77 for CLIP.
        digest: Of weights, tokenizer, length, pooling and number format: what a cached vector depends on.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str, max_tokens: int, pooling: Pooling | None) -> None:
        self._model, self._tokenizer, self._pooling = model, tokenizer, pooling
        self.name, self.max_tokens = name, max_tokens
        self.kind = "sentence" if pooling else "clip"
        # SigLIP was trained with texts padded to its whole length, without a mask.
        self._padding: bool | str = "max_length" if "siglip" in model.config.model_type else True
        self.digest = _digest(model, tokenizer, [max_tokens, pooling, self._padding])

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> TextVectors:
        """The vectors of texts, in their order; batches are formed of texts of like length.

        A text of more than `max_tokens` tokens is cut at its end, and said to be.
        """
        lengths = [len(ids) for ids in self._tokenizer(list(texts), verbose=False)["input_ids"]] if texts else []
        order = sorted(range(len(texts)), key=lambda place: (lengths[place], texts[place]))
        vectors: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            vectors |= dict(zip(places, self._encode_batch([texts[place] for place in places]), strict=True))
        stacked = np.stack([vectors[place] for place in range(len(texts))]) if texts else np.zeros((0, 1), np.float32)
        return TextVectors(stacked, [length > self.max_tokens for length in lengths])

    def _encode_batch(self, texts: list[str]) -> NDArray[np.float32]:
        inputs = self._tokenizer(
            texts, padding=self._padding, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        ).to(self._model.device)
        features = self._find_features(inputs).float()
        unit: NDArray[np.float32] = torch.nn.functional.normalize(features, dim=-1).cpu().numpy()
        return unit

    def _find_features(self, inputs: Any) -> Tensor:
        if self._pooling is not None:
            return pool(self._model(**inputs).last_hidden_state, inputs["attention_mask"], self._pooling)
        if isinstance(self._model, CLIPTextModelWithProjection):
            embeds: Tensor = self._model(**inputs).text_embeds
            return embeds
        pooled: Tensor = self._model.get_text_features(**inputs).pooler_output
        return pooled


def load_text_encoder(settings: ModelSettings) -> TextEncoder:
    """Load the encoder: a CLIP model by its text side, anything else as a sentence encoder.

    A folder in the form of sentence-transformers says how its tokens are pooled; without that, the mean is taken.

    Args:
        settings: `name`, `revision`, `device` and `dtype` count.

    Raises:
        ModelError: No such model, damaged or pickled weights, or a way of pooling that is not known here.
    """
    check_folder(settings.name)
    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(settings.name, revision=settings.revision)
            tokenizer = AutoTokenizer.from_pretrained(settings.name, revision=settings.revision)
        except Exception as error:  # the Hub, JSON and the configuration classes raise many types
            raise ModelError(
                settings.name, expected="a text encoder with its tokenizer", found=first_line(error), fix=_FIX
            ) from None
        architecture = CLIPTextModelWithProjection if config.model_type in ("clip", "clip_text_model") else AutoModel
        model = _load_weights(settings, architecture)
    is_clip = architecture is not AutoModel or hasattr(model, "get_text_features")
    pooling = None if is_clip else read_pooling(settings.name, settings.revision)
    limits = [
        _count_positions(getattr(config, "text_config", config)),
        tokenizer.model_max_length,
        pooling.max_tokens if pooling else None,
    ]
    if tokenizer.pad_token is None:
        raise ModelError(settings.name, expected="a tokenizer with a padding token", found="none", fix=_FIX)
    return TextEncoder(model, tokenizer, settings.name, min(int(one) for one in limits if one), pooling)


def _count_positions(config: Any) -> int | None:
    """How many tokens have a position; RoBERTa and its kin begin to count behind the padding token's number."""
    most: int | None = getattr(config, "max_position_embeddings", None)
    shifted = "roberta" in config.model_type or config.model_type in ("camembert", "mpnet")
    return most - config.pad_token_id - 1 if most and shifted else most


def _load_weights(settings: ModelSettings, architecture: Any) -> Any:
    device = find_device(settings.device)
    try:
        model, report = architecture.from_pretrained(
            settings.name,
            revision=settings.revision,
            dtype=find_dtype(settings.dtype, device),
            use_safetensors=True,
            output_loading_info=True,
        )
    except Exception as error:  # safetensors, the Hub and torch raise many types
        raise ModelError(
            settings.name, expected="whole safetensors weights", found=first_line(error), fix=_FIX
        ) from None
    # A sentence encoder's pooler is often not trained and not there; its output is not used.
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        found = f"{len(missing)} missing, first {missing[0]}"
        raise ModelError(settings.name, expected="weights for every parameter", found=found, fix=_FIX)
    return model.to(device).eval()


def _digest(model: Any, tokenizer: Any, settings: list[Any]) -> str:
    digest = hashlib.sha256(repr([settings, tokenizer.backend_tokenizer.to_str()]).encode())
    for name, value in sorted(model.state_dict().items()):
        if not name.startswith("pooler."):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
