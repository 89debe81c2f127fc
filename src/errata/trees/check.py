"""At first use: does this model, with these weights and this dtype, give the same numbers as separate passes?

Before a model without an adapter of its own is used: do our inputs give what its own processor and forward give?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import pad

from errata.errors import ErrataError, ModelError
from errata.models import Adapter, EncodedResponse, GenericAdapter, quiet_transformers
from errata.records import Turn
from errata.trees.logps import token_logps
from errata.trees.rows import TreeSample, build_row
from errata.trees.separate import separate_logps

TOLERANCES = {torch.float32: 1e-4, torch.float16: 0.05, torch.bfloat16: 0.25}
"""Largest difference of a token's log-probability that is rounding; half precision differs that much from itself."""

LogpsFunction = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the self-check found. `logps` is the function to train with: the tree's, or the separate passes'."""

    passed: bool
    max_difference: float
    message: str
    logps: LogpsFunction


def self_check(adapter: Adapter, model: nn.Module, *samples: TreeSample) -> CheckResult:
    """Compare tree and separate log-probabilities of samples, without dropout or gradients.

    They are laid into the row twice, so that a neighbour that leaks is found too. A tree pass that fails
    is one that differs.
    """
    parameter = next(model.parameters())
    row = build_row([*samples, *samples]).to(parameter.device)
    with torch.no_grad(), evaluating(model):
        separate = separate_logps(adapter, model, build_row(samples).to(parameter.device))
        try:
            difference = float((token_logps(adapter, model, row).view(2, -1) - separate).abs().max())
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # a forward pass that takes no layout raises whatever it meets first
            return _refuse(f"{type(error).__name__}: {str(error).strip()[:200]}", math.inf)
    tolerance = find_tolerance(parameter)
    figure = f"largest difference {difference:.1e} of a token's log-probability, allowed {tolerance:.0e}"
    if difference <= tolerance:  # False for NaN as well
        return CheckResult(True, difference, f"shared prefix is exact{_within(parameter)} ({figure})", token_logps)
    return _refuse(figure, difference)


def _refuse(figure: str, difference: float) -> CheckResult:
    message = f"shared prefix differs; training with separate passes ({figure})"
    return CheckResult(False, difference, message, separate_logps)


def find_tolerance(parameter: Tensor) -> float:
    """The largest difference of a token's log-probability that is rounding, by the format that passes compute in."""
    return TOLERANCES.get(_find_format(parameter), 1e-4)


def _find_format(parameter: Tensor) -> torch.dtype:
    kind = parameter.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else parameter.dtype


def _within(parameter: Tensor) -> str:
    """What "exact" means in a format that is coarser than the difference which a wrong mask may make."""
    kind = _find_format(parameter)
    return "" if kind == torch.float32 else f" as far as {str(kind).removeprefix('torch.')} can tell"


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Run without dropout; afterwards every module is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


SIZES_PX = ((300, 200), (180, 240))
"""Width and height of the pictures shown: one lies, one stands."""

_QUESTION = "Describe what you see in detail."
_ANSWER = "A red cup stands on the table, and a small dog sits beside it."


def check_adapter(adapter: Adapter, model: nn.Module) -> None:
    """Compare the generic adapter with the model's own forward pass on its processor's own inputs, once.

    The tokens must be equal, log-probabilities equal but for rounding, and none may depend on later tokens. One picture
    must pass; where two in one prompt do not, prompts with several are refused from then on.

    Raises:
        ModelError: One picture does not pass, with what differs.
    """
    if not isinstance(adapter, GenericAdapter) or adapter.is_checked:
        return
    with quiet_transformers(), torch.no_grad():
        _check_case(adapter, model, SIZES_PX[:1])
        try:
            _check_case(adapter, model, SIZES_PX)
        except ErrataError as error:
            adapter.one_image_because = error.found
    adapter.is_checked = True


def change_attention(adapter: Adapter, model: nn.Module, change: Callable[[], None]) -> None:
    """Call `change`, after which a model without an adapter of its own must give the numbers that it gave before.

    Raises:
        ModelError: It does not; the figure is named.
    """
    if not isinstance(adapter, GenericAdapter):
        change()
        return
    before = _answer(adapter, model)
    change()
    _compare(adapter, model, "the model before its attention was set", _answer(adapter, model), before)


def _answer(adapter: GenericAdapter, model: nn.Module) -> Tensor:
    """Log-probabilities `[T]` of a test answer."""
    with quiet_transformers(), torch.no_grad(), evaluating(model):
        return _run(adapter, model, _build_sample(adapter, [_draw(size) for size in SIZES_PX[:1]]))


def _check_case(adapter: GenericAdapter, model: nn.Module, sizes_px: Sequence[tuple[int, int]]) -> None:
    images = [_draw(size) for size in sizes_px]
    sample = _build_sample(adapter, images)
    own = _build_own_inputs(adapter, sample, images)
    with evaluating(model):
        ours = _run(adapter, model, sample)
        _compare(adapter, model, "the model's own pass", ours, _run_own(adapter, model, sample, own))
        shorter = _run(adapter, model, _halve(sample))
    _compare(adapter, model, "the same answer cut short: tokens see later ones", ours[: len(shorter)], shorter)
    if model.training:
        _compare(adapter, model, "evaluation mode", _run(adapter, model, sample), ours)


def _draw(size_px: tuple[int, int]) -> Image.Image:
    """Noise, so that a feature in a wrong place is seen."""
    generator = torch.Generator().manual_seed(size_px[0])
    pixels = torch.randint(0, 256, (size_px[1], size_px[0], 3), generator=generator, dtype=torch.uint8)
    return Image.fromarray(pixels.numpy())


def _build_sample(adapter: GenericAdapter, images: Sequence[Image.Image]) -> TreeSample:
    prompt = adapter.encode_prompt((Turn("user", _QUESTION),), images)
    return TreeSample("check", prompt, (adapter.encode_response(prompt, (Turn("assistant", _ANSWER),)),), (0,))


def _halve(sample: TreeSample) -> TreeSample:
    response = sample.responses[0]
    half = {field.name: getattr(response, field.name)[: len(response.input_ids) // 2] for field in fields(response)}
    return replace(sample, responses=(EncodedResponse(**half),))


def _build_own_inputs(adapter: GenericAdapter, sample: TreeSample, images: Sequence[Image.Image]) -> dict[str, Tensor]:
    """What the processor gives for the prompt, with the response's tokens after it."""
    own = adapter.process(sample.prompt.text, images)
    ours, theirs = sample.prompt.input_ids, own["input_ids"][0].tolist()
    extra = len(ours) - len(theirs)  # a first token that the template leaves to the tokenizer
    if extra not in (0, 1) or ours[extra:] != theirs:
        place = next((i for i, (one, other) in enumerate(zip(ours[extra:], theirs, strict=False)) if one != other), -1)
        raise _refuse_model(
            adapter, "the tokens of its processor", f"{len(ours)} and {len(theirs)}, unequal at {place}"
        )
    response = sample.responses[0].input_ids
    shape = own["input_ids"].shape
    for name, value in own.items():
        if value.shape == shape:
            own[name] = pad(value, (extra, len(response)), value=int(name == "attention_mask"))
    own["input_ids"] = torch.tensor([ours + response])
    own.pop("labels", None)
    return own


def _run(adapter: GenericAdapter, model: nn.Module, sample: TreeSample) -> Tensor:
    ours: Tensor = _guard(adapter, lambda: separate_logps(adapter, model, build_row([sample]).to(_device(model))))
    return ours


def _run_own(adapter: GenericAdapter, model: nn.Module, sample: TreeSample, own: dict[str, Tensor]) -> Tensor:
    row = build_row([sample]).to(_device(model))
    logits = _guard(adapter, lambda: adapter.find_model(model)(**adapter.as_model(model, own), use_cache=False).logits)
    chosen: Tensor = logits[0, row.predict_index].float().log_softmax(dim=-1).gather(1, row.targets[:, None])[:, 0]
    return chosen


def _guard(adapter: GenericAdapter, run: Any) -> Any:
    try:
        return run()
    except (ErrataError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever the model meets first
        found = f"{type(error).__name__}: {str(error).strip()[:200]}"
        raise _refuse_model(adapter, "a forward pass that takes its processor's inputs", found) from error


def _compare(adapter: GenericAdapter, model: nn.Module, what: str, one: Tensor, other: Tensor) -> None:
    difference, allowed = float((one - other).abs().max()), find_tolerance(next(model.parameters()))
    if not difference <= allowed:  # NaN too
        found = f"a largest difference of {difference:.1e} of a token's log-probability, allowed {allowed:.0e}"
        raise _refuse_model(adapter, f"the numbers of {what}", found)


def _refuse_model(adapter: GenericAdapter, expected: str, found: str) -> ModelError:
    fix = "use a model of a family with an adapter of its own"
    return ModelError(adapter.settings.name, expected=expected, found=found, fix=fix)


def _device(model: nn.Module) -> torch.device:
    device: torch.device = next(model.parameters()).device
    return device
