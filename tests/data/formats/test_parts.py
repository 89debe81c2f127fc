"""Marks of images come and go without a change of meaning."""

from __future__ import annotations

import pytest

from errata.data.formats.parts import mark_images, unmark_images
from errata.records import Record, Response, Turn

KEPT = [
    (("What?",), 0),
    (("<image>\nWhat?",), 1),
    (("What? <image>",), 1),
    (("<image>What?", "A.", "And <image>?"), 2),
    (("<image>",), 1),
]
TAKEN = [(("<image>What?",), 1), (("<image><image>Same?",), 2), (("<image>What?", "A.", "And?"), 1)]


def build(texts: tuple[str, ...]) -> tuple[Turn, ...]:
    return tuple(Turn("user" if number % 2 == 0 else "assistant", text) for number, text in enumerate(texts))


@pytest.mark.parametrize(("texts", "count"), KEPT)
def test_marks_that_say_more_stay(texts, count):
    assert unmark_images(build(texts), count) == build(texts)


@pytest.mark.parametrize(("texts", "count"), TAKEN)
def test_marks_before_the_first_question_are_put_back(texts, count):
    prompt = unmark_images(build(texts), count)
    assert not any("<image>" in turn.text for turn in prompt)
    images = tuple(f"{number}.png" for number in range(count))
    record = Record("r", images, prompt, (Response((Turn("assistant", "A."),), 0),))
    assert mark_images(record) == build(texts)
