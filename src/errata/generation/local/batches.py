"""Questions to batches of similar length, and batches to padded tensors."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from errata.generation.settings import GenerationSettings
from errata.models import EncodedImage, EncodedPrompt, GenericAdapter, LoadedModel
from errata.records import Question

KV_CACHE_MB = 4096
MAX_BATCH = 128
"""On a CPU a batch of 256 is slower again: its activations leave the caches."""
FEATURES_MB = 512


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question's place in the input and its tokens."""

    number: int
    question: Question
    encoded: EncodedPrompt


def build_batches(prompts: Sequence[Prompt], batch_size: int) -> Iterator[list[Prompt]]:
    """Batches of similar length, longest first, so that a batch that does not fit fails at once."""
    ordered = sorted(prompts, key=lambda prompt: (-len(prompt.encoded.input_ids), prompt.number))
    for start in range(0, len(ordered), batch_size):
        yield ordered[start : start + batch_size]


def fit_batch_size(loaded: LoadedModel, prompts: Sequence[Prompt], settings: GenerationSettings) -> int:
    """How many of the longest conversations fit `KV_CACHE_MB` of keys and values; between 1 and `MAX_BATCH`.

    A followup is taken to have as many tokens as characters: more than it has.
    """
    config = loaded.adapter.text_config(loaded.model)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    width = next(loaded.model.parameters()).element_size()
    tokens = max(_count_tokens(prompt, settings.max_tokens) for prompt in prompts)
    bytes_each: int = 2 * config.num_hidden_layers * heads * head_size * width * tokens * settings.num_beams
    return max(1, min(MAX_BATCH, KV_CACHE_MB * 2**20 // bytes_each))


def _count_tokens(prompt: Prompt, max_tokens: int) -> int:
    """Of the whole conversation, at most."""
    asked = len(prompt.encoded.input_ids) + sum(map(len, prompt.question.followups))
    return asked + max_tokens * (1 + len(prompt.question.followups))


def build_seed(seed: int, batch: Sequence[Prompt], number: int = 0) -> int:
    """A seed that depends on the run's seed, the questions of the batch and the number of the round alone."""
    asked = [prompt.question.id for prompt in batch]
    text = "\n".join([str(seed), *asked, *([f"round {number}"] if number else [])])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def pad_left(batch: Sequence[Prompt], pad_token_id: int, device: torch.device) -> dict[str, Tensor]:
    """`input_ids` and `attention_mask` `[B, L]`, padded on the left: every prompt ends where its answer begins.

    Of a family that numbers tokens in its own way also `position_ids` `[channels, B, L]`.
    """
    length = max(len(prompt.encoded.input_ids) for prompt in batch)
    ids = torch.full((len(batch), length), pad_token_id)
    mask = torch.zeros(len(batch), length, dtype=torch.long)
    for row, prompt in enumerate(batch):
        tokens = prompt.encoded.input_ids
        ids[row, length - len(tokens) :] = torch.tensor(tokens)
        mask[row, length - len(tokens) :] = 1
    inputs = {"input_ids": ids, "attention_mask": mask}
    own = [prompt.encoded.position_ids for prompt in batch if prompt.encoded.position_ids is not None]
    if own:
        inputs["position_ids"] = torch.stack([pad(numbers, (length - numbers.shape[1], 0)) for numbers in own], dim=1)
    return {name: value.to(device) for name, value in inputs.items()}


class FeatureCache:
    """Image features by image, so that the vision tower sees an image once however often it is asked about."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        # The pixels are kept beside the features, so that their identity stays theirs.
        self._known: OrderedDict[int, tuple[EncodedImage, Tensor]] = OrderedDict()
        self._held = 0

    def build_inputs(self, batch: Sequence[Prompt]) -> dict[str, Any]:
        """The model's arguments for the batch's images; none if there are no images."""
        images = [image for prompt in batch for image in prompt.encoded.images]
        if not images:
            return {}
        adapter = self._loaded.adapter
        if isinstance(adapter, GenericAdapter):
            return adapter.pixel_inputs(self._loaded.model, images)
        self._encode({id(image): image for image in images})
        features = [self._known[id(image)][1] for image in images]
        self._shrink()
        return self._loaded.adapter.feature_inputs(features)

    def _encode(self, images: dict[int, EncodedImage]) -> None:
        for key in images.keys() & self._known.keys():
            self._known.move_to_end(key)
        new = {key: image for key, image in images.items() if key not in self._known}
        if not new:
            return
        moved = [image.to(self._loaded.device) for image in new.values()]
        features = self._loaded.adapter.image_features(self._loaded.model, moved)
        for (key, image), feature in zip(new.items(), features, strict=True):
            self._known[key] = (image, feature)
            self._held += feature.nbytes + image.nbytes

    def _shrink(self) -> None:
        while self._held > FEATURES_MB * 2**20 and self._known:
            _, (image, feature) = self._known.popitem(last=False)
            self._held -= feature.nbytes + image.nbytes
