"""The last layer where it is needed: at the positions that predict a scored token.

Behind the last layer only those positions are read. Keys and values come from every token; queries, what follows the
attention and the feed-forward part, three quarters of a layer, are computed for the scored positions alone. The result
is the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers.models.llama.modeling_llama import rotate_half

from errata.trees.layout import TreeLayout

LAYERS = ("LlamaDecoderLayer", "MistralDecoderLayer", "Qwen2DecoderLayer", "Qwen3DecoderLayer")
"""Layers whose keys and values are made as `ScoredTree.attended` makes them; others compute every position."""


@dataclass(frozen=True, slots=True)
class ScoredTree:
    """What the attention of a last layer reads when its input is the scored positions alone.

    Args:
        layout: Of the whole row.
        hidden: The layer's whole input `[1, S, H]`.
        cos, sin: Rotations of all positions `[1, S, d]`.
        norm: The layer's norm before attention.
    """

    layout: TreeLayout
    hidden: Tensor
    cos: Tensor
    sin: Tensor
    norm: nn.Module

    def attended(self, attention: Any) -> tuple[Tensor, Tensor]:
        """Keys and values of all tokens `[1, key heads, S, d]`."""
        states = self.norm(self.hidden)
        shape = (*states.shape[:-1], -1, attention.head_dim)
        key, value = attention.k_proj(states).view(shape), attention.v_proj(states).view(shape).transpose(1, 2)
        if hasattr(attention, "k_norm"):
            key = attention.k_norm(key)
        key = key.transpose(1, 2)
        return key * self.cos[:, None] + rotate_half(key) * self.sin[:, None], value


def trim_last_layer(model: nn.Module) -> None:
    """Let the model's last decoder layer compute scored positions alone whenever it is given a layout."""
    layers = [module for module in model.modules() if type(module).__name__ in LAYERS]
    if layers and _keep_scored not in layers[-1]._forward_pre_hooks.values():
        layers[-1].register_forward_pre_hook(_keep_scored, with_kwargs=True)


def _keep_scored(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A forward pre-hook: the layer's input at the scored positions, and a layout that still knows all of it."""
    layout = kwargs.get("tree")
    if layout is None or not layout.scored:
        return None
    (hidden,) = args
    cos, sin = kwargs["position_embeddings"]
    index = layout.scored_index(hidden.device)
    tree = ScoredTree(layout, hidden, cos, sin, layer.input_layernorm)
    return (hidden[:, index],), kwargs | {"position_embeddings": (cos[:, index], sin[:, index]), "tree": tree}
