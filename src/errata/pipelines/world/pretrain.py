"""`errata world pretrain`: make a tiny base from nothing, in minutes of two cores.

First the vision tower learns what stands in each cell (this stands in for CLIP's pretraining) and is frozen; then
projector and language model learn careless descriptions and short answers together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from errata.models import ModelSettings, load_model
from errata.models.tiny import SIZES, build_processor, build_tiny_llava
from errata.pipelines.world.pretrain_data import (
    PretrainBatch,
    PretrainData,
    build_batch,
    build_pretrain_data,
    to_pixel_values,
)
from errata.world import CATEGORIES, COLOURS, words


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """How a base is made.

    Args:
        size: A name of `models.tiny.SIZES`.
        images: How many scenes it sees, again and again.
        carelessness: How much its captions lie; see `world.careless_caption`.
        steps: Optimiser steps of projector and language model.
        start: Name of the base that it goes on from, instead of random weights.
        vision_steps: Steps of dense supervision for the vision tower; none where it goes on from another base.
        batch: Images a step.
        questions: Short questions per image and step, beside one description.
        muon_learning_rate: Of matrices.
        adam_learning_rate: Of embeddings and norms.
        seed: Of weights, scenes, texts and batches.
    """

    size: str = "medium"
    images: int = 20_000
    carelessness: float = 1.0
    steps: int = 1600
    start: str | None = None
    vision_steps: int = 400
    batch: int = 64
    questions: int = 4
    muon_learning_rate: float = 0.02
    adam_learning_rate: float = 3e-3
    seed: int = 0


_GROWN = PretrainSettings(carelessness=0.0, start="medium", muon_learning_rate=5e-4, adam_learning_rate=1e-4, seed=1)

RECIPES = {
    "small": PretrainSettings(size="small", carelessness=1.1, steps=1200),
    "medium": PretrainSettings(),
    "large": PretrainSettings(size="large", carelessness=0.8, steps=1200),
    "grown-1": replace(_GROWN, images=1_000, steps=16),
    "grown-2": replace(_GROWN, images=2_000, steps=32),
    "grown-3": replace(_GROWN, images=4_000, steps=64),
}
"""The shipped bases.

Larger ones learn from more careful captions, so that sizes are experts of different strength, as AMP's multi-size
generation needs. The grown ones are its incremental generation (arXiv 2405.11165): the medium base after more and more
truthful data.
"""

OnStep = Callable[[str, int, int, float], None]
"""Called with (stage, step, steps, loss)."""


def pretrain(
    settings: PretrainSettings, on_step: OnStep, start: Path | None = None
) -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """Train a base. The same settings give the same weights on the same machine.

    Args:
        settings: How.
        on_step: Called after every step.
        start: Folder of the base named by `settings.start`.
    """
    torch.manual_seed(settings.seed)
    processor = build_processor(words())
    data = build_pretrain_data(processor, settings.images, settings.seed, settings.carelessness)
    if start is None:
        model = build_tiny_llava(SIZES[settings.size], processor.tokenizer)
        _train_vision(model, data, settings, on_step)
    else:
        model = load_model(ModelSettings(name=str(start), device="cpu", dtype="float32"), for_training=True).model
    model.model.vision_tower.requires_grad_(False)
    _train_language(model, data, settings, on_step)
    return model.eval(), processor


def _train_vision(
    model: LlavaForConditionalGeneration, data: PretrainData, settings: PretrainSettings, on_step: OnStep
) -> None:
    """Dense supervision: category and colour of every cell from its patch."""
    tower = model.model.vision_tower
    heads = nn.ModuleList([nn.Linear(96, 1 + len(CATEGORIES)), nn.Linear(96, 1 + len(COLOURS))])
    optimizer = torch.optim.AdamW([*tower.parameters(), *heads.parameters()], lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=settings.vision_steps)
    for step, indices in enumerate(_batches(data, 2 * settings.batch, settings.vision_steps, settings.seed)):
        features = _vision_features(model, data.pixels[indices])
        labels = data.cells[indices]
        scores = [head(features).flatten(0, 1) for head in heads]
        loss = torch.stack([F.cross_entropy(score, labels[..., i].flatten()) for i, score in enumerate(scores)]).sum()
        _update(loss, [optimizer], [schedule])
        on_step("vision", step + 1, settings.vision_steps, loss.item())


def _train_language(
    model: LlavaForConditionalGeneration, data: PretrainData, settings: PretrainSettings, on_step: OnStep
) -> None:
    """Descriptions and answers together; Muon on the matrices, AdamW on embeddings and norms."""
    with torch.no_grad():
        features = torch.cat([_vision_features(model, pixels) for pixels in torch.split(data.pixels, 512)])
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (matrices if parameter.ndim == 2 and "embed_tokens" not in name else rest).append(parameter)
    optimizers = [
        torch.optim.Muon(matrices, lr=settings.muon_learning_rate, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=settings.adam_learning_rate, weight_decay=0.0),
    ]
    decay = [
        torch.optim.lr_scheduler.LambdaLR(o, lambda step: _constant_then_linear(step, settings.steps))
        for o in optimizers
    ]
    rng = np.random.default_rng((settings.seed, 2))
    for step, indices in enumerate(_batches(data, settings.batch, settings.steps, settings.seed + 1)):
        loss = _language_loss(model, features[indices], build_batch(data, indices, settings.questions, rng))
        _update(loss, optimizers, decay)
        on_step("language", step + 1, settings.steps, loss.item())


def _vision_features(model: LlavaForConditionalGeneration, pixels: Tensor) -> Tensor:
    """What LLaVA takes from the tower: last hidden states of the patches, [B, 9, 96]."""
    output = model.model.vision_tower(to_pixel_values(pixels), output_hidden_states=True)
    features: Tensor = output.hidden_states[-1][:, 1:]
    return features


def _language_loss(model: LlavaForConditionalGeneration, features: Tensor, batch: PretrainBatch) -> Tensor:
    """Mean cross-entropy of description tokens plus that of answer tokens."""
    embeddings = model.get_input_embeddings()(batch.input_ids)
    places = batch.input_ids == model.config.image_token_id
    projected = model.model.multi_modal_projector(features)
    embeddings = embeddings.masked_scatter(places[..., None], projected)
    hidden = model.model.language_model(
        inputs_embeds=embeddings, attention_mask=batch.attention_mask, position_ids=batch.position_ids, use_cache=False
    ).last_hidden_state
    wanted = batch.labels[:, 1:] != -100
    losses = F.cross_entropy(model.lm_head(hidden[:, :-1][wanted]), batch.labels[:, 1:][wanted], reduction="none")
    described = batch.is_description[:, 1:][wanted]
    return losses[described].mean() + losses[~described].mean()


def _update(
    loss: Tensor, optimizers: list[torch.optim.Optimizer], schedules: Sequence[torch.optim.lr_scheduler.LRScheduler]
) -> None:
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    for optimizer, schedule in zip(optimizers, schedules, strict=True):
        optimizer.step()
        schedule.step()


def _constant_then_linear(step: int, steps: int) -> float:
    return min(1.0, (steps - step) / (0.35 * steps))


def _batches(data: PretrainData, size: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """`steps` batches of image numbers, epoch after epoch without repetition inside one."""
    rng = np.random.default_rng((seed, 3))
    order = np.empty(0, np.int64)
    for _ in range(steps):
        if len(order) < size:
            order = np.concatenate([order, rng.permutation(len(data.pixels))])
        yield order[:size]
        order = order[size:]
