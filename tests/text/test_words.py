"""Words, singular forms and their places."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errata.text import find_official_singular, find_singular, find_treebank_tokens, find_words


def test_words_keep_their_places():
    text = "The man's dog-cat ISN’T here: 2 cats."
    words = find_words(text)
    assert [word.text for word in words] == ["the", "man", "dog", "cat", "isn’t", "here", "2", "cats"]
    assert text[words[1].start : words[1].end] == "man"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A man.A dog", "a|man.a|dog"),
        ("A dog. A cat.", "a|dog|.|a|cat|."),
        ("The man's tie isn't red; can't, cannot!", "the|man|'s|tie|is|n't|red|;|ca|n't|,|can|not|!"),
        ("the dogs' bed (old) -- 1,000 at 3:30...", "the|dogs|'|bed|(|old|)|--|1,000|at|3:30|..."),
        ("dog/cat dog-cat rock'n'roll", "dog/cat|dog-cat|rock'n'roll"),
        ('Is it "red"? (Yes.) ', 'is|it|"|red|"|?|(|yes|.|)'),
    ],
)
def test_treebank_tokens(text, tokens):
    assert [token.text for token in find_treebank_tokens(text)] == tokens.split("|")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_every_token_stands_where_it_says(text):
    for find in (find_words, find_treebank_tokens):
        tokens = find(text)
        assert all(text[token.start : token.end].lower() == token.text for token in tokens)
        assert all(a.end <= b.start for a, b in itertools.pairwise(tokens))
    rest = "".join(text.split())
    assert "".join(text[t.start : t.end] for t in find_treebank_tokens(text)) == rest


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        (word.split(">")[0], word.split(">")[1])
        for word in (
            "buses>bus bus>bu glass>glas glasses>glass tennis>tenni people>person men>man women>woman skis>ski ties>ty "
            "knives>knife scissors>scissors cattle>cattle luggage>luggage doggies>doggies couches>couch geese>goose "
            "oxen>ox is>is s>s slice>slouse four>fmy pasta>pastum sons-in-law>son-in-law dogs'>dog's benches>bench "
            "roses>rose quizzes>quiz bases>basis news>news miniseries>miniseries olives>olife leaves>leaf"
        ).split()
    ],
)
def test_official_singular_forms(plural, singular):
    assert find_official_singular(plural) == singular


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        (word.split(">")[0], word.split(">")[1])
        for word in (
            "buses>bus bus>bus glass>glass tennis>tennis people>person women>woman skis>ski ties>tie knives>knife "
            "scissors>scissors puppies>puppy couches>couch boxes>box potatoes>potato shoes>shoe gloves>glove "
            "stoves>stove vases>vase horses>horse geese>goose specimen>specimen cookies>cookie olives>olive "
            "sandwiches>sandwich gas>gas giraffes>giraffe knife>knife mattresses>mattress"
        ).split()
    ],
)
def test_singular_forms(plural, singular):
    assert find_singular(plural) == singular
    assert find_singular(singular) == singular
