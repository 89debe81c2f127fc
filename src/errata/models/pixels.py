"""Image files to pixels, each once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from errata.errors import DataError
from errata.images import CorruptionRule, corrupt_image, open_image
from errata.models.encoded import EncodedImage
from errata.models.protocol import Adapter


class PixelCache:
    """Encoded images by path, so that an image asked about many times is opened once.

    The same path gives the same object; rows use that to run the vision tower once per distinct image. Of a family
    that encodes an image otherwise beside others, there are two.
    The images used longest ago are dropped when `max_mb` is reached.
    """

    def __init__(self, adapter: Adapter, root: str | Path | None = None, *, max_mb: int = 1024) -> None:
        self._adapter, self._root, self._room = adapter, root, max_mb * 2**20
        self._pixels: OrderedDict[str, EncodedImage] = OrderedDict()
        self._held = 0

    def load(self, path: str, among: int) -> EncodedImage:
        """One of the `among` images of a prompt, encoded. Raises DataError as `open_image` and the adapter do."""
        return self._find_or_encode((path,), among, lambda: open_image(path, self._root))

    def load_corrupted(self, path: str, among: int, rule: CorruptionRule, key: str) -> EncodedImage:
        """The same after `corrupt_image` by this rule and key."""

        def make() -> Image.Image:
            return corrupt_image(open_image(path, self._root), rule, key)

        return self._find_or_encode((path, rule, key), among, make)

    def _find_or_encode(self, name: tuple[str, ...], among: int, make: Callable[[], Image.Image]) -> EncodedImage:
        several = among > 1 and self._adapter.several_differ
        # The root, as two data sets may have different images of one path.
        called = ", ".join((f"{self._root}/{name[0]}", "several" if several else "alone", *name[1:]))
        pixels = self._pixels.get(called)
        if pixels is not None:
            self._pixels.move_to_end(called)
            return pixels
        encode = self._adapter.encode_one_of_several if several else self._adapter.encode_image
        image = make()
        try:
            encoded = encode(image)
        except DataError as error:  # which knows no path
            raise error.at(name[0]) from None
        pixels = self._pixels[called] = replace(encoded, name=called)
        self._held += pixels.nbytes
        while self._held > self._room and len(self._pixels) > 1:
            self._held -= self._pixels.popitem(last=False)[1].nbytes
        return pixels
