"""Does a row give the log-probabilities and gradients of separate passes?"""

from __future__ import annotations

import torch
from peft import LoraConfig

from errata.trees import separate_logps, token_logps


def build_lora() -> LoraConfig:
    """Adapters on the language model. PEFT writes the model's name into a configuration: each needs its own."""
    return LoraConfig(r=4, lora_alpha=8, target_modules=r".*(language_model|text_model).*(q|k|v|o|gate|up|down)_proj")


def gradients(model, logps):
    """Gradients of a sum with unequal weights, so that no two tokens' errors can cancel."""
    model.zero_grad()
    weights = torch.linspace(-1.0, 1.0, len(logps))
    (logps * weights).sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_equal_passes(adapter, model, row):
    tree = token_logps(adapter, model, row)
    separate = separate_logps(adapter, model, row)
    assert (tree - separate).abs().max() <= 1e-4
    assert tree.std() > 0.5, "log-probabilities too uniform to tell anything"
    expected = gradients(model, separate)
    assert_equal_gradients(gradients(model, tree), expected)
    return expected


def assert_equal_gradients(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if not name.endswith("k_proj.bias"):  # one constant in all keys moves no softmax: zero but for rounding
            assert (found[name] - value).abs().max() <= 1e-4 * value.abs().max(), name
