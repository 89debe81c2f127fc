"""How far a response agrees with the standard answer: the paper's formulas by hand, and what it leaves open."""

from __future__ import annotations

import math

import numpy as np
import pytest

from errata.errors import ConfigError
from errata.feedback import AgreementSettings, LexicalEncoder, Passage, build_chunker, measure_agreement
from errata.feedback.levels.agreement import ABSTRACT_NOUNS, PICTURE_NOUNS, keep_passages


class Table:
    """Cosines as they are told."""

    name, stand_in, truncated = "table", False, 0

    def __init__(self, cosines):
        self.cosines = cosines

    def prepare(self, texts):
        pass

    def similarities(self, texts, others):
        return np.array([[self.cosines[text, other] for other in others] for text in texts])


STANDARD = [Passage("a", "a", "A."), Passage("b", "b", "B.")]
RESPONSE = [Passage("x", "x", "X."), Passage("y", "y", "X."), Passage("z", "z", "Z.")]
COSINES = {
    ("a", "x"): 0.9, ("a", "y"): 0.2, ("a", "z"): 0.1,
    ("b", "x"): 0.3, ("b", "y"): 0.85, ("b", "z"): 0.5,
    ("A.", "X."): 0.6, ("A.", "Z."): 0.86, ("B.", "X."): 0.99, ("B.", "Z."): 0.0,
}  # fmt: skip


def agree(**settings):
    found = measure_agreement(STANDARD, RESPONSE, Table(COSINES), AgreementSettings(**settings))
    return found.acc_local, found.score_local, found.acc_global, found.score_global


def test_the_formulas_by_hand():
    # Best cosines: a 0.9, b 0.85, which is not above the threshold; A. 0.86, B. 0.99.
    assert agree() == pytest.approx((0.5, (0.9 + 0.85) / 2, 1.0, (0.86 + 0.99) / 2))
    found = measure_agreement(STANDARD, RESPONSE, Table(COSINES), AgreementSettings())
    assert (found.acc, found.score) == pytest.approx((0.75, (0.875 + 0.925) / 2))
    assert agree(threshold=0.84)[0] == 1


def test_what_an_answer_adds_counts_in_precision_and_f1():
    # Of x, y, z the best are 0.9, 0.85, 0.5; of the sentences X., X., Z. 0.99, 0.99, 0.86.
    assert agree(measure="precision") == pytest.approx((1 / 3, (0.9 + 0.85 + 0.5) / 3, 1.0, (0.99 * 2 + 0.86) / 3))
    acc, _, acc_global, _ = agree(measure="f1")
    assert (acc, acc_global) == pytest.approx((2 * 0.5 * (1 / 3) / (0.5 + 1 / 3), 1.0))
    assert agree(measure="precision", once=True)[3] == pytest.approx((0.99 + 0.86) / 2)


def test_what_says_nothing_agrees_in_nothing():
    for measure in ("recall", "precision", "f1"):
        found = measure_agreement(STANDARD, [], Table({}), AgreementSettings(measure=measure))
        assert (found.acc, found.score) == (0, 0)


def test_words_for_the_picture_and_abstract_nouns_are_left_out():
    assert len(PICTURE_NOUNS) == 6
    assert len(ABSTRACT_NOUNS) == 27  # 29 words: "features" and "emotions" are listed beside their singular
    found = build_chunker("own").find("The picture shows a dog. The photos have a calm atmosphere and fine details.")
    assert [one.noun for one in found] == ["picture", "dog", "photo", "atmosphere", "detail"]
    assert [one.noun for one in keep_passages(found, AgreementSettings())] == ["dog"]
    assert len(keep_passages(found, AgreementSettings(dropped_nouns=()))) == 5


def test_words_in_common_by_hand():
    encoder = LexicalEncoder()
    # red, cup, "red cup" against large, red, cup and two pairs of neighbours: 3 in common of 3 and 5.
    assert encoder.similarities(["a red cup"], ["the large red cups"])[0, 0] == pytest.approx(3 / math.sqrt(15))
    assert encoder.similarities(["A red cup."], ["red cup", "a dog", "is it"]).tolist() == [[1.0, 0.0, 0.0]]
    assert encoder.similarities(["the"], ["the"])[0, 0] == 1
    swapped = encoder.similarities(["a red cup and a blue box"], ["a blue cup and a red box"])[0, 0]
    assert 0.4 < swapped < 0.85
    assert encoder.similarities([], ["a"]).shape == (0, 1)


@pytest.mark.parametrize("settings", [{"threshold": 1.0}, {"threshold": float("nan")}, {"measure": "f2"}])
def test_settings_that_cannot_be_are_named(settings):
    with pytest.raises(ConfigError):
        AgreementSettings(**settings)
