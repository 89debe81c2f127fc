"""Processed images are kept, within their room."""

from __future__ import annotations

from errata.models import LlavaAdapter, ModelSettings, PixelCache
from tiny_models import build_model, build_processor, build_tokenizer, save_images


def test_pixels_are_cached_within_their_room(tmp_path):
    names = save_images(tmp_path, 3)
    tokenizer = build_tokenizer()
    adapter = LlavaAdapter(build_processor(tokenizer), build_model(tokenizer).config, ModelSettings("tiny"))
    cache = PixelCache(adapter, tmp_path)
    assert cache.load(names[0], 1) is cache.load(names[0], 2)
    small = PixelCache(adapter, tmp_path, max_mb=0)
    first = small.load(names[0], 1)
    small.load(names[1], 1)
    assert small.load(names[0], 1) is not first
