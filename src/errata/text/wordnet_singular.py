"""Singular forms as NLTK's WordNet lemmatizer gives them for nouns, oddities included; for official mode.

It takes the shortest noun that its rules can reach, so `vases` -> `vas`, and leaves plurals whose form is a noun of
its own (`men`, `people`) or whose singular WordNet lacks (`bikers`). WordNet is not needed here: of all forms of the
words in CHAIR's, Object HalBench's and AMBER's lists, those that differ from our own singular stand in this file, as
the lemmatizer's rules give them with WordNet 3.0. Wherever a right answer is wanted, use `singular.find_singular`.
"""

from __future__ import annotations

from errata.text.singular import find_singular

_KEPT = frozenset(
    "men people air-conditionings bedsheets bikers bluejays coworkers cooktops e-books earings ebooks firetrucks "
    "hairdryers iphones kiwifruits longboards macbooks netbooks paddleboats paragliders pissoirs pitbulls riverboats "
    "sailboards sanitizers shortboards skimboards smartphones soliders stovetops streetlamps teddybears".split()
)
_LEMMAS = {
    "vases": "vas", "us": "u", "glasses": "glass", "sunglasses": "sunglass", "doggies": "doggy", "busses": "bus",
    "brethren": "brother", "magpies": "magpie",
}  # fmt: skip


def find_wordnet_singular(word: str) -> str:
    """What `WordNetLemmatizer().lemmatize(word)` returns for a lower-cased word of the lists named above."""
    return word if word in _KEPT else _LEMMAS.get(word) or find_singular(word)
