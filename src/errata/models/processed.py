"""What a processor that nobody described makes of an image: tokens that stand for it, and tensors of any names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from errata.models.encoded import EncodedImage


@dataclass(frozen=True, slots=True, eq=False)
class ProcessedImage(EncodedImage):
    """An image as its model's own processor gives it.

    Args:
        pixel_name: The model's argument that `pixels` are.
        extras: The other tensors of the image by argument.
        placeholder: The tokens that stand for the image.

    `size` is a digest of extras and placeholder: two images of one size read alike but for their pixels.
    """

    pixel_name: str = "pixel_values"
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    placeholder: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Memory of all tensors in bytes."""
        return self.pixels.nbytes + sum(value.nbytes for value in self.extras.values())

    def to(self, device: torch.device | str) -> ProcessedImage:
        """The image with its tensors on a device."""
        extras = {name: value.to(device) for name, value in self.extras.items()}
        return replace(self, pixels=self.pixels.to(device), extras=extras)


def build_image(tensors: Mapping[str, Tensor], placeholder: tuple[int, ...]) -> ProcessedImage:
    """From the processor's tensors of one image; the largest one of floats is the pixels.

    Raises:
        ValueError: There is none.
    """
    floats = [name for name, value in tensors.items() if value.is_floating_point()]
    if not floats:
        raise ValueError("no tensor of pixels")
    name = max(floats, key=lambda key: tensors[key].numel())
    extras = {key: value for key, value in tensors.items() if key != name}
    size = (_digest(extras, placeholder),)
    return ProcessedImage(
        tensors[name], len(placeholder), size, pixel_name=name, extras=extras, placeholder=placeholder
    )


def join_images(images: Sequence[EncodedImage]) -> dict[str, Tensor]:
    """The tensors of several images as one argument each: in their first dimension one after another, padded with zeros
    at the end of all others."""
    gathered: dict[str, list[Tensor]] = {}
    for image in images:
        if isinstance(image, ProcessedImage):
            for name, value in ((image.pixel_name, image.pixels), *image.extras.items()):
                gathered.setdefault(name, []).append(value)
    return {name: _join(values) for name, values in gathered.items()}


def _join(values: list[Tensor]) -> Tensor:
    sizes = [max(lengths) for lengths in zip(*(value.shape[1:] for value in values), strict=True)]
    return torch.cat([_fill(value, sizes) for value in values])


def _fill(value: Tensor, sizes: Sequence[int]) -> Tensor:
    missing = [size - length for size, length in zip(sizes, value.shape[1:], strict=True)]
    return pad(value, [side for count in reversed(missing) for side in (0, count)]) if any(missing) else value


def _digest(extras: Mapping[str, Tensor], placeholder: tuple[int, ...]) -> int:
    digest = hashlib.sha256(repr(placeholder).encode())
    for name, value in sorted(extras.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return int.from_bytes(digest.digest()[:7], "big")
