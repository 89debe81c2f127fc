"""What families that cut an image into tiles share: their limits, and how an image is held within them."""

from __future__ import annotations

from typing import ClassVar

from PIL import Image

from errata.images import LIMITS
from errata.models.families import FamilyAdapter, limit_tiled, require_grid


class TiledAdapter(FamilyAdapter):
    """An adapter whose image processor cuts an image by the grids of its configuration."""

    limits: ClassVar[tuple[str, ...]] = LIMITS

    def _set_limits(self) -> None:
        super()._set_limits()
        require_grid(self.settings, self._config)

    def _limit(self, image: Image.Image) -> Image.Image:
        return limit_tiled(image, self.settings, self._config)
