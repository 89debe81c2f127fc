"""Scenes with careless texts as rows for pretraining: one image, one description and several short questions a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import LlavaProcessor

from errata.world import (
    CATEGORIES,
    COLOURS,
    DESCRIBE,
    TRAINING,
    Scene,
    careless_answers,
    careless_caption,
    render,
    sample_scenes,
)

CELLS = 9
QUESTIONS_KEPT = 10

Chunk = tuple[list[int], int]
"""Token ids of question and answer, and where the answer begins."""


@dataclass(frozen=True, slots=True)
class PretrainData:
    """`pixels` uint8 [N, 3, 48, 48]; `cells` int [N, 9, 2] category and colour per cell, 0 = none; texts as chunks."""

    pixels: Tensor
    cells: Tensor
    descriptions: list[Chunk]
    questions: list[list[Chunk]]
    prefix: list[int]


def build_pretrain_data(processor: LlavaProcessor, images: int, seed: int, carelessness: float) -> PretrainData:
    """Sample and render scenes and write a careless caption and careless answers for each."""
    tokenizer = processor.tokenizer
    rng = np.random.default_rng((seed, 1))
    scenes = sample_scenes("pretrain", images, seed, TRAINING)
    pixels = np.stack([np.asarray(render(scene)) for scene in scenes]).transpose(0, 3, 1, 2)
    encode = _Encoder(tokenizer)
    return PretrainData(
        pixels=torch.from_numpy(np.ascontiguousarray(pixels)),
        cells=torch.from_numpy(np.stack([_cell_labels(scene) for scene in scenes])),
        descriptions=[encode(DESCRIBE, careless_caption(scene, rng, carelessness)) for scene in scenes],
        questions=[
            [encode(*pair) for pair in careless_answers(scene, QUESTIONS_KEPT, rng, carelessness)] for scene in scenes
        ],
        prefix=tokenizer("USER: " + "<image>" * CELLS, add_special_tokens=False)["input_ids"],
    )


def to_pixel_values(pixels: Tensor) -> Tensor:
    """What the processor makes of uint8 pixels: float in [-1, 1]."""
    return pixels.float() / 127.5 - 1.0


class _Encoder:
    """Question and answer to token ids, in the words of the chat template; texts repeat, so ids are remembered."""

    def __init__(self, tokenizer: object) -> None:
        self.tokenizer, self.known = tokenizer, dict[str, list[int]]()

    def __call__(self, question: str, answer: str) -> Chunk:
        head, tail = self._ids(f" {question} ASSISTANT:"), self._ids(f" {answer}</s>")
        return head + tail, len(head)

    def _ids(self, text: str) -> list[int]:
        if text not in self.known:
            self.known[text] = self.tokenizer(text, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
        return self.known[text]


def _cell_labels(scene: Scene) -> np.ndarray:
    labels = np.zeros((CELLS, 2), np.int64)
    for thing in scene.things:
        labels[thing.cell] = 1 + CATEGORIES.index(thing.category), 1 + COLOURS.index(thing.colour)
    return labels


@dataclass(frozen=True, slots=True)
class PretrainBatch:
    """Rows [B, S]: `labels` is -100 outside answers, `is_description` marks which loss a label belongs to."""

    input_ids: Tensor
    position_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    is_description: Tensor


def build_batch(data: PretrainData, indices: np.ndarray, questions: int, rng: np.random.Generator) -> PretrainBatch:
    """Lay the shared prefix, the description and `questions` questions of each image in a row; chunks see the prefix
    and themselves only."""
    rows = []
    for index in indices:
        asked = rng.choice(QUESTIONS_KEPT, size=questions, replace=False)
        rows.append([data.descriptions[index], *(data.questions[index][i] for i in asked)])
    prefix = len(data.prefix)
    length = prefix + max(sum(len(ids) for ids, _ in row) for row in rows)
    ids, labels = np.zeros((len(rows), length), np.int64), np.full((len(rows), length), -100, np.int64)
    positions, chunk_of = np.zeros_like(ids), np.full_like(ids, -1)
    for r, row in enumerate(rows):
        ids[r, :prefix], positions[r, :prefix], chunk_of[r, :prefix] = data.prefix, np.arange(prefix), 0
        start = prefix
        for number, (tokens, answer_at) in enumerate(row, 1):
            end = start + len(tokens)
            ids[r, start:end], chunk_of[r, start:end] = tokens, number
            positions[r, start:end] = np.arange(prefix, prefix + len(tokens))
            labels[r, start + answer_at : end] = tokens[answer_at:]
            start = end
    chunks = torch.from_numpy(chunk_of)
    same = chunks[:, :, None] == chunks[:, None, :]
    mask = (same | (chunks == 0)[:, None, :]) & torch.ones(length, length, dtype=torch.bool).tril()
    return PretrainBatch(
        torch.from_numpy(ids), torch.from_numpy(positions), mask[:, None], torch.from_numpy(labels), chunks == 1
    )
