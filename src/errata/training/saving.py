"""What `transformers.Trainer` does on disk, so that it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import PeftModel
from torch import nn
from transformers import PreTrainedModel, Trainer

from errata.models import Adapter, write_processor_files, write_prompting
from errata.training.speed import TokenRate
from errata.training.weights import has_other_embeddings, load_weights, writing


class SavingTrainer(Trainer):  # type: ignore[misc]
    """A Trainer whose checkpoints are whole and are loaded whole; a full disk is named and older checkpoints stay."""

    adapter: Adapter
    """The model's family; how it is asked is written beside its weights."""
    processor_files: Mapping[str, bytes]
    """What else lay beside the model for its processor; see `errata.models.LoadedModel`."""
    _rate: TokenRate

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        with self._rate.paused(), writing(folder, remove=True):
            super()._save_checkpoint(model, trial)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the model (or adapter), its processor, and how it is asked. Raises StorageError on a full disk."""
        folder = output_dir or self.args.output_dir
        with writing(folder, remove=False):
            super().save_model(output_dir, _internal_call)
            if self.args.should_save and isinstance(self.model, PeftModel):
                self._add_embeddings(self.model, folder)
        if self.args.should_save:
            if self.processing_class is not None:
                write_processor_files(folder, self.processor_files, self.processing_class)
            write_prompting(folder, self.adapter.settings)

    def _add_embeddings(self, model: PeftModel, folder: str) -> None:
        """Save an adapter with embeddings that its base lacks, which PEFT does by itself for text models alone."""
        if has_other_embeddings(model.get_base_model()):
            model.save_pretrained(folder, save_embedding_layers=True)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if self.is_fsdp_enabled or not isinstance(self.model, PreTrainedModel):
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            load_weights(self.model, resume_from_checkpoint)

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(self.state.best_model_checkpoint)
