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


def test_a_corrupted_image_is_another_image(tmp_path):
    """Features are remembered by an image's name: two names for what differs, one for what is the same."""
    names = save_images(tmp_path, 1)
    tokenizer = build_tokenizer()
    adapter = LlavaAdapter(build_processor(tokenizer), build_model(tokenizer).config, ModelSettings("tiny"))
    cache = PixelCache(adapter, tmp_path)
    kinds = [("crop", "0 r1"), ("crop", "0 r2"), ("noise", "0 r1")]
    images = [cache.load(names[0], 1), *(cache.load_corrupted(names[0], 1, *kind) for kind in kinds)]
    assert len({image.name for image in images}) == 4
    assert len({image.pixels.numpy().tobytes() for image in images}) == 4
    assert {image.n_tokens for image in images} == {images[0].n_tokens}
    assert cache.load_corrupted(names[0], 1, "crop", "0 r1") is images[1]
