"""Image features of a vision tower that does not learn: computed once per image, whatever the epochs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import torch
from torch import Tensor, nn

from errata.models import Adapter, EncodedImage, GenericAdapter
from errata.training.weights import vision_learns
from errata.trees import TreeRow


class FrozenFeatures:
    """Remembers what the language model sees of each image, in main memory, while nothing before it learns.

    The reference pass and every epoch then share one pass of the tower. Features used longest ago are dropped when
    `max_mb` is reached.

    Args:
        adapter: The model family.
        model: The policy. Rows of other models are left alone, and so are all rows if its tower or projector learns,
            or if it takes pixels.
        max_mb: Memory in 2**20 bytes; 0 remembers nothing.
    """

    def __init__(self, adapter: Adapter, model: nn.Module, max_mb: int) -> None:
        self._adapter, self._model, self._room = adapter, model, max_mb * 2**20
        self._known: OrderedDict[str, Tensor] = OrderedDict()
        self._held = 0
        # Of an unknown model, features are not known apart from its forward pass.
        self._frozen = not isinstance(adapter, GenericAdapter) and not vision_learns(model)

    def fill(self, model: nn.Module, row: TreeRow) -> TreeRow:
        """The row with the features of its images, where they may be remembered."""
        if model is not self._model or not self._frozen or not self._room:
            return row
        new = [image for image in row.images if image.name is not None and image.name not in self._known]
        if new:
            self._compute(model, new)
        filled = tuple(self._add(image) for image in row.images)
        self._forget()
        return replace(row, images=filled)

    def _compute(self, model: nn.Module, images: list[EncodedImage]) -> None:
        for image in images:
            # Alone: sums in a larger pass round otherwise, and which images are new together depends on what the run
            # has seen, so that a run that is continued would end with other weights.
            with torch.no_grad():
                (own,) = self._adapter.image_features(model, [image])
            self._known[str(image.name)] = own.to("cpu", copy=True)  # not a view of all that the tower gave
            self._held += own.nbytes

    def _add(self, image: EncodedImage) -> EncodedImage:
        if image.name is None:
            return image
        self._known.move_to_end(image.name)
        return replace(image, features=self._known[image.name].to(image.pixels.device))

    def _forget(self) -> None:
        while self._held > self._room:
            self._held -= self._known.popitem(last=False)[1].nbytes
