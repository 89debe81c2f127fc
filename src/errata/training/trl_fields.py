"""The fields of TRL's `DPOConfig` that a script may keep when it moves here, and those that mean nothing here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from errata.errors import ConfigError
from errata.training.trainer_fields import Allowed, require_honoured

LOSS_TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    "sigmoid": ("dpo", {}),
    "hinge": ("dpo", {"link": "hinge"}),
    "ipo": ("ipo", {}),
    "sigmoid_norm": ("dpo", {"reduction": "mean"}),
    "sft": ("sft", {}),
}
"""TRL's `loss_type` -> (our preset, its overrides)."""

_ONLY: Allowed = {
    "padding_free": ((None, False), "leave it out; rows hold no padding anyway"),
    "sync_ref_model": ((None, False), "leave it out; the reference is the model as it was given"),
    "use_weighting": ((None, False), "leave it out"),
    "ld_alpha": ((None, 1.0), "use objective='ddpo' to weigh tokens"),
    "f_divergence_type": ((None, "reverse_kl"), "leave it out"),
    "truncation_mode": ((None, "keep_start"), "leave it out; records longer than max_length are set aside, not cut"),
    "loss_weights": ((None,), "use sft_weight or anchor_weight of an objective"),
    "activation_offloading": ((None, False), "leave it out"),
    "disable_dropout": ((None, True), "leave it out; dropout would make the responses of a tree differ"),
}
"""Field -> (the values that change nothing, what to do about any other)."""


@dataclass
class TrlFields:
    """Names that TRL's `DPOConfig` has and `TrainingArguments` has not; None is "not said"."""

    loss_type: str | list[str] | None = field(default=None, metadata={"help": "TRL's name of the loss."})
    max_length: int | None = field(
        default=None, metadata={"help": "Tokens of the prompt with its longest response; longer records are set aside."}
    )
    precompute_ref_log_probs: bool | None = field(
        default=None, metadata={"help": "False runs the reference at every step; else it runs once, before the first."}
    )
    model_init_kwargs: dict[str, Any] | None = field(
        default=None, metadata={"help": "Arguments of from_pretrained where the model is given by name."}
    )
    precompute_ref_batch_size: int | None = field(default=None, metadata={"help": "No effect: rows set the size."})
    dataset_num_proc: int | None = field(default=None, metadata={"help": "No effect."})
    pad_to_multiple_of: int | str | None = field(default=None, metadata={"help": "No effect: rows hold no padding."})
    padding_free: bool | None = field(default=None, metadata={"help": "Refused where True."})
    sync_ref_model: bool | None = field(default=None, metadata={"help": "Refused where True."})
    use_weighting: bool | None = field(default=None, metadata={"help": "Refused where True."})
    ld_alpha: float | None = field(default=None, metadata={"help": "Refused other than 1."})
    f_divergence_type: str | None = field(default=None, metadata={"help": "Refused other than reverse_kl."})
    truncation_mode: str | None = field(default=None, metadata={"help": "Refused other than keep_start."})
    loss_weights: list[float] | None = field(default=None, metadata={"help": "Refused."})
    activation_offloading: bool | None = field(default=None, metadata={"help": "Refused where True."})
    disable_dropout: bool | None = field(default=None, metadata={"help": "Refused where False."})

    def check_trl_fields(self) -> None:
        """Raise ConfigError for a value of TRL's that would silently mean something else here."""
        require_honoured(self, _ONLY)
        self.translate_loss_type()

    def translate_loss_type(self) -> tuple[str, dict[str, Any]]:
        """The preset and the overrides of `loss_type`; plain DPO where nothing is said."""
        names = [self.loss_type] if isinstance(self.loss_type, str) else self.loss_type or ["sigmoid"]
        if len(names) != 1 or names[0] not in LOSS_TYPES:
            raise ConfigError(
                "loss_type",
                expected="one of " + ", ".join(LOSS_TYPES),
                found=", ".join(map(str, names)),
                fix="choose an `objective` instead",
            )
        preset, overrides = LOSS_TYPES[names[0]]
        return preset, dict(overrides)
