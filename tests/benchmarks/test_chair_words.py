"""The released CHAIR code's reading of captions, as recorded."""

from __future__ import annotations

from errata.benchmarks.chair.score import find_caption_words


def test_recorded_captions(vectors, official_vocabulary):
    for case in vectors("chair")["caption_to_words"]:
        found = find_caption_words(case["caption"], official_vocabulary)
        assert [m.word for m in found.mentions] == case["words"], case["caption"]
        assert [m.object for m in found.mentions] == case["node_words"], case["caption"]
        assert list(found.indexes) == case["idxs"], case["caption"]
        assert list(found.words) == case["raw_words"], case["caption"]


def test_spans_are_the_places_of_the_names(official_vocabulary):
    caption = "A toilet, a seat, and two Wine Glasses near adult cats."
    found = find_caption_words(caption, official_vocabulary)
    assert [caption[m.start : m.end] for m in found.mentions] == ["toilet", "Wine Glasses", "adult cats"]
