"""How much faster Errata's step could be than a peer's if every multiplication took the same time.

Counted: linear layers, causal attention over what each token sees, the output head, the frozen tower; forward passes,
backward passes and the reference's. Not counted: norms, activations, the optimizer, Python. So 100 % cannot be reached
where the optimizer's time is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass

from toy import Toy


@dataclass(frozen=True)
class Passes:
    """How often one forward pass over the text is paid for in a step."""

    linear: float
    attention: float
    vision: int


def count_passes(*, lora: bool, live: bool, remembered: bool) -> Passes:
    """Forward 1, backward 2 (with frozen weights 1, but 2 in attention, which has none), the reference 1.

    Errata remembers what the frozen tower gives; a pass counts where the reference runs in the step, as in an epoch.
    """
    return Passes(linear=(2 if lora else 3) + live, attention=3 + live, vision=live if remembered else 1 + live)


def count_step(toy: Toy, method: str, lengths: list[list[int]], *, lora: bool) -> float:
    """Multiplications of a step over samples, given as the lengths of their responses."""
    tree, compact = method.startswith("errata"), method not in ("amp", "muffin")
    passes = count_passes(lora=lora, live=method not in ("errata", "muffin"), remembered=tree)
    total = 0.0
    for responses in lengths:
        copies = 1 if tree else len(responses)
        longest = max(max(own) for own in lengths)
        # A peer pads its sequences; the padding passes through linear layers too.
        tails = responses if tree else [longest] * len(responses)
        tokens = copies * toy.prefix + sum(tails)
        scored = sum(responses) if compact else tokens
        linear = tokens * _linear(toy) + scored * toy.hidden * toy.vocabulary
        if tree:  # the last layer makes keys and values of every token, the rest of scored positions
            linear -= (tokens - scored) * (_linear(toy) // toy.layers - 2 * toy.hidden**2)
        total += passes.linear * linear
        seen = copies * toy.prefix**2 / 2 + sum(tail * toy.prefix + tail**2 / 2 for tail in tails)
        total += passes.attention * seen * 2 * toy.hidden * toy.layers
        if tree:
            total -= passes.attention * toy.prefix**2 * toy.hidden
        total += passes.vision * copies * _vision(toy)
    return total


def _linear(toy: Toy) -> int:
    """Of one token through all layers."""
    return toy.layers * (4 * toy.hidden**2 + 3 * toy.hidden * toy.mlp)


def _vision(toy: Toy) -> int:
    """Of one image through the tower."""
    width, tokens = toy.vision_hidden, toy.image_tokens + 1
    return toy.vision_layers * tokens * (12 * width**2 + 2 * width * tokens) + tokens * toy.hidden * (
        width + toy.hidden
    )
