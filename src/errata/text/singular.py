"""Singular forms of English nouns, for matching object names."""

from __future__ import annotations

from functools import lru_cache

_IRREGULAR = {
    "children": "child", "feet": "foot", "geese": "goose", "mice": "mouse", "oxen": "ox", "people": "person",
    "teeth": "tooth", "persons": "person", "cacti": "cactus", "leaves": "leaf", "loaves": "loaf", "calves": "calf",
    "halves": "half", "hooves": "hoof", "knives": "knife", "lives": "life", "scarves": "scarf", "sheaves": "sheaf",
    "shelves": "shelf", "bookshelves": "bookshelf", "thieves": "thief", "wives": "wife", "wolves": "wolf",
    "pocketknives": "pocketknife", "buses": "bus", "minibuses": "minibus", "gases": "gas", "lenses": "lens",
    "canvases": "canvas", "pajamas": "pajamas", "quizzes": "quiz", "shoes": "shoe", "canoes": "canoe", "toes": "toe",
    "horseshoes": "horseshoe", "snowshoes": "snowshoe", "movies": "movie", "axes": "axe", "skis": "ski",
    "taxis": "taxi", "kiwis": "kiwi", "corgis": "corgi", "broccolis": "broccoli", "tvs": "tv", "airbuses": "airbus",
    "grandchildren": "grandchild", "zebus": "zebu",
}  # fmt: skip

_UNCHANGED = frozenset(
    "always as canvas clothes does gas glasses has headquarters his its jeans lens means news pants perhaps pliers "
    "plus scissors series shorts species sunglasses tennis this was yes christmas atlas texas".split()
)
"""Words that end in s and are no plural, or have no singular."""

_KEEP_IE = frozenset(
    "aussies birdies brownies collies cookies dies doggies hoodies lies kiddies pies pixies rookies smoothies ties "
    "veggies zombies bowties neckties".split()
)
"""Plurals in -ies whose singular ends in -ie."""

_SINGULAR_MEN = ("abdomen", "acumen", "amen", "ramen", "regimen", "semen", "specimen", "stamen", "yemen")

_SIBILANTS = ("ches", "shes", "sses", "xes", "zzes")


@lru_cache(maxsize=65536)  # captions repeat their words
def find_singular(word: str) -> str:
    """The singular of a lower-cased word; a word that is no plural comes back as it is (`bus`, `glass`, `tennis`)."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("men") and not word.endswith(_SINGULAR_MEN):
        return word.removesuffix("men") + "man"
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")) or word in _UNCHANGED:
        return word
    return _strip_plural(word)


def _strip_plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if word in _KEEP_IE or len(word) < 5 else word[:-3] + "y"
    if word.endswith(_SIBILANTS):
        return word[:-2]
    if word.endswith("oes"):
        return word[:-2]
    return word[:-1]
