"""PaliGemma and PaliGemma 2: picture and question are read in both directions, the answer from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from errata.models.blocks import Block
from errata.models.siglip import SiglipAdapter

TEMPLATE = (
    "{% if messages | length > 2 or messages[0]['role'] != 'user' %}"
    "{{ raise_exception('system prompts or further turns; PaliGemma knows one question and its answer') }}{% endif %}"
    "{% set last = namespace(image=-1) %}{% set parts = messages[0]['content'] %}"
    "{% for part in parts %}{% if part['type'] == 'image' %}{% set last.image = loop.index0 %}{% endif %}{% endfor %}"
    "{% if last.image < 0 %}{{ bos_token }}{% endif %}"
    "{% for part in parts %}{{ '<image>' if part['type'] == 'image' else part['text'] }}"
    "{% if loop.index0 == last.image %}{{ bos_token }}{% endif %}{% endfor %}{{ '\n' }}"
    "{% for message in messages[1:] %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}"
    "{{ eos_token }}{% endfor %}"
)
"""`<image><bos>{question}\\n{answer}<eos>`: the first token stands after the last image, as the processor puts it."""


class PaliGemmaAdapter(SiglipAdapter):
    """Encode and run `PaliGemmaForConditionalGeneration`; the prompt is one block."""

    architecture = "PaliGemmaForConditionalGeneration"
    first_position = 1

    def _find_plain_template(self) -> str:
        return TEMPLATE

    @property
    def image_length(self) -> int:
        """Features of an image: one per patch."""
        vision = self._config.vision_config
        return (int(vision.image_size) // int(vision.patch_size)) ** 2

    def _find_blocks(self, input_ids: Sequence[int]) -> tuple[Block, ...]:
        return (Block(0, len(input_ids), beyond_window=True),)

    def mask_inputs(self, input_ids: Tensor, prefix: int) -> dict[str, Tensor]:
        """Token types: 0 in the prompt, 1 after it."""
        types = (torch.arange(input_ids.shape[1], device=input_ids.device) >= prefix).long()
        return {"token_type_ids": types.expand_as(input_ids)}

    def logit_softcap(self, model: nn.Module) -> float | None:
        """The bound of PaliGemma 2's logits; PaliGemma has none."""
        softcap: Any = getattr(self.text_config(model), "final_logit_softcapping", None)
        return None if softcap is None else float(softcap)
