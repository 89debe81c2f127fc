"""One training step of every method on the same samples: Errata's rooms, the installed TRL, AMP's way, Muffin's way.

All start from the same policy, compare with the same reference and compute the same loss: logistic, β 0.1, the mean
over all pairs of a record, the mean over records. What differs is what is run for it:

    errata         one row per step, the reference from the cache, features of the frozen tower remembered
    errata-live    the same with a reference pass in every step
    trl            the installed `DPOTrainer._compute_loss`, pairs alone; its compact head, which it keeps for GPUs, on
    amp            a sequence per response, its image with it, logits of every position, a reference pass in every step
    muffin         the same with the reference computed once
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from contextlib import nullcontext
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

import toy as toys
from errata.objectives import Objective, aggregate, build_objective, preference_loss
from errata.training.features import FrozenFeatures
from errata.trees import TreeSample, build_row, enable_tree_attention, token_logps
from place import CPU, Place
from toy import Toy

BETA = 0.1


class Step(ABC):
    """A policy with its optimizer and samples; `run` is one optimiser step.

    Args:
        toy: Sizes.
        samples: What the step trains on.
        lora: Adapters instead of all weights.
        keep_gradients: Zero the gradients where they are instead of freeing them, so that they count as state.
        place: Where and in which format.
    """

    def __init__(
        self,
        toy: Toy,
        samples: list[TreeSample],
        *,
        lora: bool,
        keep_gradients: bool = False,
        place: Place = CPU,
    ) -> None:
        self.toy, self.samples, self.lora, self._keep, self.place = toy, samples, lora, keep_gradients, place
        self.model = place.prepare(self._build())
        self._optimizer = torch.optim.AdamW(toys.trainable(self.model), lr=1e-6, fused=place.fused)

    def run(self) -> float:
        """Forward, backward, update; returns the loss."""
        loss = self.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=not self._keep)
        return float(loss.detach())

    def _build(self) -> nn.Module:
        return toys.build_policy(self.toy, lora=self.lora, place=self.place)

    def _without_adapter(self, reference: nn.Module | None) -> tuple[nn.Module, Any]:
        """The reference model, and the context it has to run in."""
        if reference is not None:
            return reference, nullcontext()
        return self.model, self.model.disable_adapter()  # type: ignore[operator]

    def _build_reference(self) -> nn.Module | None:
        return None if self.lora else toys.build_model(self.toy, self.place).eval().requires_grad_(False)

    @abstractmethod
    def loss(self) -> Tensor:
        """The loss with its graph."""


class ErrataStep(Step):
    """The tree row through Errata's own rooms."""

    live = False

    def __init__(self, toy: Toy, samples: list[TreeSample], **options: Any) -> None:
        super().__init__(toy, samples, **options)
        self._row = build_row(samples).to(self.place.device)
        self._objective = _choose_objective(samples)
        self._adapter = toys.build_adapter(toy, self.model)
        self._features = FrozenFeatures(self._adapter, self.model, max_mb=1024)
        enable_tree_attention(self.model, self._adapter, self.place.attention)
        reference = self._build_reference()
        if reference is not None:
            enable_tree_attention(reference, self._adapter, self.place.attention)
        self._scores = self.score_reference(reference)
        self._reference = reference if self.live else None

    def score_reference(self, reference: nn.Module | None) -> Tensor:
        """The pass that fills the cache."""
        model, context = self._without_adapter(reference)
        with torch.no_grad(), context:
            return self._score(model)

    def _score(self, model: nn.Module) -> Tensor:
        row = self._features.fill(model, self._row)
        logps = token_logps(self._adapter, model, row)
        reduction = self._objective.reduction
        return aggregate(logps, row.token_weights, row.response_index, row.num_responses, reduction)

    def loss(self) -> Tensor:
        scores = self.score_reference(self._reference) if self.live else self._scores
        output = preference_loss(self._objective, self._score(self.model), scores, self._row.records)
        return output.losses.mean()


class LiveErrataStep(ErrataStep):
    """Errata without its cache."""

    live = True


def _choose_objective(samples: list[TreeSample]) -> Objective:
    """DPO for pairs, every two levels for more; AMP's anchor is left out of all methods."""
    if len(samples[0].responses) == 2:
        return build_objective("dpo", beta=BETA)
    return build_objective("mdpo", beta=BETA, anchor="none")


class AmpStep(Step):
    """AMP's way: full logits of every sequence, the image run once per response, the reference in every step."""

    cached = False

    def __init__(self, toy: Toy, samples: list[TreeSample], **options: Any) -> None:
        super().__init__(toy, samples, **options)
        responses = len(samples[0].responses)
        # Level by level, as AMP repeats the batch.
        self._batch = pad_sequences([(sample, n) for n in range(responses) for sample in samples], self.place)
        self._reference = self._build_reference()
        self._scores = self._score_reference() if self.cached else None
        if self.cached:
            self._reference = None

    def _score_reference(self) -> Tensor:
        model, context = self._without_adapter(self._reference)
        with torch.no_grad(), context:
            return self._score(model)

    def _score(self, model: nn.Module) -> Tensor:
        """`[responses, samples]`."""
        inputs = {name: value for name, value in self._batch.items() if name != "completion_mask"}
        logits = model(**inputs, use_cache=False).logits[:, :-1]
        targets, mask = self._batch["input_ids"][:, 1:], self._batch["completion_mask"][:, 1:]
        logps = torch.gather(logits.log_softmax(-1), 2, targets[:, :, None])[:, :, 0]
        return (logps * mask).sum(-1).view(-1, len(self.samples))

    def loss(self) -> Tensor:
        policy = self._score(self.model)
        reference = self._score_reference() if self._scores is None else self._scores
        rewards = BETA * (policy - reference)
        pairs = combinations(range(len(rewards)), 2)
        return torch.stack([-logsigmoid(rewards[better] - rewards[worse]).mean() for better, worse in pairs]).mean()


class MuffinStep(AmpStep):
    """Muffin's way: as AMP's, with the reference computed once."""

    cached = True


class TrlStep(Step):
    """The loss of the installed TRL, on a batch in its collator's layout."""

    def __init__(self, toy: Toy, samples: list[TreeSample], **options: Any) -> None:
        super().__init__(toy, samples, **options)
        self._batch = pad_sequences([(sample, n) for n in range(2) for sample in samples], self.place)

    def _build(self) -> nn.Module:
        base, rows = toys.build_model(self.toy, self.place), toys.build_rows(self.toy, 1)
        self._trainer = build_trl_trainer(
            self.toy, base, self._build_reference(), rows, tempfile.gettempdir(), self.place
        )
        model: nn.Module = self._trainer.model
        toys.move_policy(model, lora=self.lora)
        return model.train()

    def loss(self) -> Tensor:
        loss: Tensor = self._trainer._compute_loss(self.model, self._batch, False)
        return loss


def build_trl_trainer(
    toy: Toy,
    model: nn.Module,
    reference: nn.Module | None,
    rows: Any,
    folder: str,
    place: Place = CPU,
    **arguments: Any,
) -> Any:
    """The installed `DPOTrainer`, its compact head on; without a reference, on adapters."""
    from trl.trainer import utils
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    # Compact: only tokens of responses reach the head. TRL does so on GPUs alone; here it is not to lose by that.
    vars(utils)["_use_triton"] = lambda _: True
    options: dict[str, Any] = {
        "bf16": False,
        "use_cpu": place.device == "cpu",
        "gradient_checkpointing": place.checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    config = DPOConfig(folder, beta=BETA, **options, **arguments)
    return DPOTrainer(
        model,
        reference,
        config,
        train_dataset=rows,
        processing_class=toys.build_processor(toy),
        peft_config=toys.build_lora() if reference is None else None,
    )


def pad_sequences(chosen: list[tuple[TreeSample, int]], place: Place) -> dict[str, Tensor]:
    """Prompt and response in one padded sequence each, every one with its own copy of the image."""
    sequences = [(item.prompt.input_ids, item.responses[number].input_ids) for item, number in chosen]
    longest = max(len(prompt) + len(response) for prompt, response in sequences)
    ids = torch.zeros(len(sequences), longest, dtype=torch.long)
    seen, completion = torch.zeros_like(ids), torch.zeros_like(ids)
    for number, (prompt, response) in enumerate(sequences):
        end = len(prompt) + len(response)
        ids[number, :end] = torch.tensor(prompt + response)
        seen[number, :end] = 1
        completion[number, len(prompt) : end] = 1
    pixels = torch.stack([item.prompt.images[0].pixels for item, _ in chosen])
    batch = {"input_ids": ids, "attention_mask": seen, "completion_mask": completion, "pixel_values": pixels}
    return {name: tensor.to(place.device) for name, tensor in batch.items()}


STEPS: dict[str, type[Step]] = {
    "errata": ErrataStep,
    "errata-live": LiveErrataStep,
    "trl": TrlStep,
    "amp": AmpStep,
    "muffin": MuffinStep,
}
