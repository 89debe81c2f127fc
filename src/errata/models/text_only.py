"""Language models without eyes, for judges that need none: loaded as themselves, asked through their own template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from errata.errors import ModelError
from errata.models.adapters import find_adapter
from errata.models.families import FAMILIES
from errata.models.generic import GenericAdapter
from errata.models.loading import check_folder, quiet_transformers
from errata.models.placement import find_device, find_dtype, first_line
from errata.models.protocol import ModelSettings
from errata.models.special_tokens import SpecialTokens
from errata.records import Turn

_PROBE = "The probe's answer."


@dataclass(frozen=True, slots=True)
class TextModel:
    """A causal language model with its tokenizer; `eos_token_ids` are those that end its turns, and `special` those
    that no text may spell."""

    model: Any
    tokenizer: Any
    eos_token_ids: tuple[int, ...]
    special: SpecialTokens
    name: str

    @property
    def pad_token_id(self) -> int:
        """What fills a batch."""
        pad = self.tokenizer.pad_token_id
        return self.eos_token_ids[0] if pad is None else int(pad)

    @property
    def context(self) -> int | None:
        """Tokens of prompt and reply together, at most; None where the configuration does not say."""
        return getattr(self.model.config, "max_position_embeddings", None)

    def encode(self, text: str) -> list[int]:
        """The tokens of a user's message up to where the assistant begins.

        Raises:
            DataError: The text spells a special token, with which it could end its turn and speak for others.
        """
        self.special.require_words([Turn("user", text)], placeholders=True)
        rendered = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
        return cast(list[int], self.tokenizer(rendered, add_special_tokens=False)["input_ids"])

    def decode(self, ids: Sequence[int]) -> str:
        """The text of generated tokens. Special ones stay: the marks of a model's thoughts may be among them."""
        return cast(str, self.tokenizer.decode(ids, skip_special_tokens=False)).strip()


def is_text_only(name: str) -> bool:
    """Whether a model (or the base of an adapter) is a causal language model that sees no images.

    Raises:
        ModelError: It is not here, or its configuration cannot be read.
    """
    config = _load_config(_find_base(name))
    sees = config.model_type in FAMILIES or GenericAdapter.find_class(config) is not None
    return not sees and type(config) in MODEL_FOR_CAUSAL_LM_MAPPING


def check_text_model(name: str) -> None:
    """Raise ModelError for a language model that could not be asked anything: it needs a chat template."""
    _load_tokenizer(_find_base(name), name)


def load_text_model(settings: ModelSettings) -> TextModel:
    """Load a causal language model, or an adapter on one.

    Raises:
        ModelError: No such model, weights that are no safetensors, or a tokenizer without a chat template.
    """
    name, base = settings.name, _find_base(settings.name)
    tokenizer = _load_tokenizer(base, name)
    device = find_device(settings.device)
    with quiet_transformers():
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                base, dtype=find_dtype(settings.dtype, device), use_safetensors=True
            )
            if base != name:
                model = PeftModel.from_pretrained(model, name)
        except Exception as error:  # safetensors, the Hub and torch raise many types
            raise ModelError(
                name, expected="whole safetensors weights", found=first_line(error), fix="fetch the model again"
            ) from None
    model.to(device).eval()
    ends = _find_ends(base, tokenizer)
    return TextModel(model, tokenizer, ends, SpecialTokens(tokenizer, ends, ()), name)


def _find_base(name: str) -> str:
    adapter = find_adapter(name)
    return name if adapter is None else adapter.base


def _load_config(name: str) -> Any:
    check_folder(name)
    try:
        return AutoConfig.from_pretrained(name)
    except Exception as error:  # the Hub, JSON and the configuration classes raise many types
        raise ModelError(
            name, expected="a readable model configuration", found=first_line(error), fix="name a model's folder"
        ) from None


def _load_tokenizer(base: str, name: str) -> Any:
    with quiet_transformers():
        try:
            tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left")
        except Exception as error:  # as above
            raise ModelError(
                name, expected="a tokenizer beside the model", found=first_line(error), fix="save it into the folder"
            ) from None
    if not tokenizer.chat_template:
        raise ModelError(
            name,
            expected="a language model that takes instructions, with a chat template",
            found="none",
            fix="name an instruction-tuned model, or save the template it was trained with as chat_template.jinja",
        )
    return tokenizer


def _find_ends(base: str, tokenizer: Any) -> tuple[int, ...]:
    """The tokens that end a turn: those of its generation settings, the tokenizer's, and the template's own."""
    try:
        stated = GenerationConfig.from_pretrained(base).eos_token_id
    except (OSError, ValueError):
        stated = None
    ends = [*(stated if isinstance(stated, list) else [stated]), tokenizer.eos_token_id, _find_turn_end(tokenizer)]
    found = tuple(dict.fromkeys(int(end) for end in ends if end is not None))
    if not found:
        raise ModelError(base, expected="a token that ends a turn", found="none", fix="set eos_token of its tokenizer")
    return found


def _find_turn_end(tokenizer: Any) -> int | None:
    """The special token that the template writes right behind an assistant's words; None where it writes none."""
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _PROBE}]
    rendered = tokenizer.apply_chat_template(turns, tokenize=False)
    behind = rendered.rpartition(_PROBE)[2].lstrip()
    ids = tokenizer(behind, add_special_tokens=False)["input_ids"][:1]
    return ids[0] if ids and ids[0] in tokenizer.added_tokens_decoder else None
