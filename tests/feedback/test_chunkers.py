"""Chunkers by name; spaCy's parse through a stand-in for the library."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from errata.errors import ConfigError
from errata.feedback import build_chunker

TEXT = "Two fire hydrants near a dog and a cat."
ROWS = [  # word, part of speech, relation, head, lemma
    ("Two", "NUM", "nummod", 2, "two"),
    ("fire", "NOUN", "compound", 2, "fire"),
    ("hydrants", "NOUN", "ROOT", 2, "hydrant"),
    ("near", "ADP", "prep", 2, "near"),
    ("a", "DET", "det", 5, "a"),
    ("dog", "NOUN", "pobj", 3, "dog"),
    ("and", "CCONJ", "cc", 5, "and"),
    ("a", "DET", "det", 8, "a"),
    ("cat", "NOUN", "conj", 5, "cat"),
    (".", "PUNCT", "punct", 2, "."),
]


class Token:
    """What is read of a spaCy token."""

    def __init__(self, row, idx):
        self.text, self.pos_, self.dep_, self.head, self.lemma_ = row
        self.idx, self.children, self.sent = idx, [], SimpleNamespace(text=TEXT)

    @property
    def subtree(self):
        found = [self] + [token for child in self.children for token in child.subtree]
        return sorted(found, key=lambda token: token.idx)


def parse(text):
    tokens, at = [], 0
    for row in ROWS:
        at = text.index(row[0], at)
        tokens.append(Token(row, at))
        at += len(row[0])
    for number, token in enumerate(tokens):
        if token.head != number:
            tokens[token.head].children.append(token)
    return tokens


def load(name):
    if name != "en_core_web_sm":
        raise OSError("no such model")
    return parse


@pytest.fixture
def spacy(monkeypatch):
    module = ModuleType("spacy")
    module.load = load
    monkeypatch.setitem(sys.modules, "spacy", module)


def test_a_parse_gives_each_noun_what_hangs_on_it(spacy):
    chunker = build_chunker("spacy:en_core_web_sm")
    assert chunker.name == "spacy:en_core_web_sm"
    assert [one[:2] for one in chunker.find(TEXT)] == [
        ("Two fire hydrants near a dog and a cat", "hydrant"),
        ("a dog", "dog"),
        ("a cat", "cat"),
    ]


def test_a_model_that_is_not_installed_is_named(spacy):
    with pytest.raises(ConfigError, match=r"no 'en_core_web_lg'.*spacy download en_core_web_lg"):
        build_chunker("spacy:en_core_web_lg")


def test_spacy_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(ConfigError, match=r"not installed.*errata\[spacy\]"):
        build_chunker("spacy:en_core_web_sm")


@pytest.mark.parametrize("name", ["", "spacy", "spacy:", "nltk"])
def test_other_names_are_refused(name):
    with pytest.raises(ConfigError, match="own or spacy:MODEL"):
        build_chunker(name)
