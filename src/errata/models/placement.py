"""Where a model runs and in which number format."""

from __future__ import annotations

import torch

from errata.errors import ModelError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def find_device(name: str) -> torch.device:
    """The device of this name; "auto" is the first GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            "model.device",
            expected="a device of this machine",
            found=f"{name!r}: {first_line(error)}",
            fix="use auto or cpu",
        ) from None
    return device


def find_dtype(name: str, device: torch.device) -> torch.dtype:
    """The type of this name; "auto" is float32 on a CPU and bfloat16 elsewhere."""
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if name not in DTYPES:
        raise ModelError(
            "model.dtype", expected=f"auto, {', '.join(DTYPES)}", found=repr(name), fix="choose one of them"
        )
    return DTYPES[name]


def first_line(error: BaseException) -> str:
    """A library's error in one line, for the `found` part of ours."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}".rstrip(": ")
