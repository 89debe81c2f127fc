"""What kind of word each word of a sentence is, by lists, endings and neighbours.

No model: meant for descriptions of pictures, where an unknown word is most often a noun. One letter a token, so that
phrases are found by a pattern over the letters.
"""

from __future__ import annotations

import re

from errata.text.singular import find_singular
from errata.text.words import Word

KINDS = {
    "D": "determiner, possessive or number",
    "J": "adjective, or a participle that stands before its noun",
    "N": "noun",
    "V": "finite verb",
    "X": "auxiliary or copula",
    "G": "participle",
    "P": "preposition",
    "O": "of",
    "R": "relative pronoun",
    "C": "and, or",
    "A": "adverb",
    "U": "pronoun, or a word that joins clauses",
    "Q": "comma",
    "S": "another mark that parts",
}
"""What the letters mean."""

_LISTS = {
    "D": "a an the this these those one two three four five six seven eight nine ten eleven twelve some several many "
    "few each every another any no his her its their my your our both all various multiple numerous more most",
    "X": "is are was were be been being am isn't aren't wasn't weren't has have had do does did don't doesn't can "
    "could may might will would should must cannot can't seem seems appear appears become becomes remain remains",
    "P": "in on at by to with without near under over above below beside besides behind between among amid before "
    "after from into onto through across along around against inside outside towards toward upon beneath underneath "
    "within beyond atop alongside during throughout for as like off up down out per via next close such than about",
    "O": "of",
    "R": "that which who whose whom where",
    "C": "and or nor &",
    "U": "it he she they them him there here something someone somebody nothing nobody i you we us who's it's what "
    "while but so because if although though when whereas then therefore however also indeed itself themselves "
    "himself herself anything everything everyone none others yes okay",
    "A": "very also quite too not just still almost rather slightly together apart away nearby else perhaps never "
    "always often maybe only even now yet forward backward upward downward overhead indoors outdoors",
    "J": "black white grey gray red blue green yellow orange brown pink purple gold golden silver beige tan dark light "
    "bright pale large big small little tiny huge tall short long wide narrow thick thin old young new modern ancient "
    "wooden metal metallic plastic woolen woollen fresh hot cold warm cool clean dirty empty full open round square "
    "flat soft hard wet dry high low nice beautiful pretty cute busy clear blurry sunny cloudy same different visible "
    "other main overall several happy sad angry calm quiet loud strong weak rich poor heavy deep shallow smooth rough "
    "shiny snowy rainy grassy rocky sandy dusty rustic cozy cosy lush vibrant vast ready likely possible certain "
    "great good bad best better top bottom left right upper lower middle front back near far distant own single "
    "double whole half main central additional similar casual formal outdoor indoor urban rural male female lively "
    "friendly lovely elderly early lonely ugly curly woolly daily",
}
_KNOWN = {word: kind for kind, words in _LISTS.items() for word in words.split()}
_PLACES = frozenset("top bottom left right center centre middle front back".split())

_VERBS = (
    "sit stand lie lay rest hang hold carry wear walk run ride drive fly jump play look watch face lean eat drink feed "
    "graze swim surf ski skate wait show depict feature contain include display capture portray illustrate present see "
    "suggest indicate add create give make take get go come use have fill cover surround hit throw catch swing kick "
    "cross pass park stop move turn reach point gaze stare smile enjoy prepare cook cut serve place set put keep pull "
    "push climb fall float travel gather work read write sleep stretch line top adorn decorate complement enhance "
    "provide offer share talk speak grow shine reflect overlook occupy consist belong stack arrange spread"
).split()
_IRREGULAR = (
    "sat stood lay lain hung held worn wore ran rode ridden drove driven flew flown ate eaten drank fed swam seen saw "
    "shown made taken gave given got gone went came threw thrown caught swung put set kept fell fallen grew grown "
    "built written wrote slept spread cut lit"
).split()
PRESENTING = frozenset("show depict feature contain include display capture portray illustrate present see".split())
"""Verbs that say what a picture holds: what stands behind their object belongs to the object."""

_NOUNS_IN_ED_OR_ING = frozenset(
    "bed seed weed shed sled reed speed breed building ceiling clothing painting railing ring king string wing sling "
    "awning wedding ceiling earring seating evening morning thing something spring duckling icing topping frosting "
    "lighting crossing landing setting pudding stocking clearing".split()
)
_NOUNS_IN_LY = frozenset("family fly belly butterfly jelly lily assembly bully supply doily dragonfly ally".split())
_ADJECTIVE_ENDINGS = ("ful", "ous", "less", "able", "ible", "esque")
_NOUNS_BY_ENDING = frozenset("table vegetable cable stable handful mouthful spoonful armful".split())


def _inflect(stem: str) -> dict[str, str]:
    """Forms of a regular verb -> their kind."""
    bare = stem[:-1] if stem.endswith("e") else stem
    doubled = stem + stem[-1] if re.fullmatch(r"[^aeiou]*[aeiou][bdgkmnpt]", stem) else bare
    third = (
        stem[:-1] + "ies"
        if re.search(r"[^aeiou]y\Z", stem)
        else stem + ("es" if re.search(r"(?:[sx]|[cs]h)\Z", stem) else "s")
    )
    past = stem[:-1] + "ied" if re.search(r"[^aeiou]y\Z", stem) else doubled + "ed"
    gerund = "lying" if stem == "lie" else doubled + "ing"
    return {stem: "V", third: "V", past: "G", gerund: "G"}


_VERB_FORMS = {form: kind for stem in _VERBS for form, kind in _inflect(stem).items()} | dict.fromkeys(_IRREGULAR, "G")
_PRESENTING_FORMS = frozenset(form for stem in PRESENTING for form in _inflect(stem)) | {"there"}


def presents(word: str) -> bool:
    """Whether a lower-cased word says what a picture holds: "shows", "there" (is), "features"."""
    return word in _PRESENTING_FORMS


def classify(words: list[Word]) -> str:
    """One letter of `KINDS` for each token of one sentence.

    Args:
        words: Lower-cased words and marks, in order.
    """
    kinds = [_classify_alone(word.text) for word in words]
    for place, word in enumerate(words):
        before = kinds[place - 1] if place else ""
        after = kinds[place + 1] if place + 1 < len(kinds) else ""
        kinds[place] = _classify_among(word.text, kinds[place], before, after)
    for place, word in enumerate(words):
        kinds[place] = _settle(word.text, kinds, place)
    return "".join(kinds)


def _classify_alone(word: str) -> str:
    if not word[0].isalnum():
        return "Q" if word == "," else "C" if word == "&" else "S"
    word = word.replace("’", "'")
    if word in _KNOWN or word[0].isdigit():
        return _KNOWN.get(word, "D")
    if word in _VERB_FORMS:
        return _VERB_FORMS[word]
    if word in _NOUNS_IN_ED_OR_ING or word in _NOUNS_IN_LY or find_singular(word) in _NOUNS_BY_ENDING:
        return "N"
    if word.endswith("ly") and len(word) > 4:
        return "A"
    if len(word) > 4 and word.endswith(("ed", "ing")):
        return "G"
    return "J" if word.endswith(_ADJECTIVE_ENDINGS) and len(word) > 5 else "N"


def _classify_among(word: str, kind: str, before: str, after: str) -> str:
    """Verbs, participles and nouns told apart by the words beside them; words before have their kind already."""
    if kind == "V" and before and before in "DJPO":
        return "N"  # a watch, in display
    if kind == "G" and (not before or before in "DJPOQSC") and after and after in "NJ":
        ends_in_ing = word.endswith("ing")
        return "J" if not (ends_in_ing and (not before or before in "QSC")) else "G"  # a parked car; "wearing hats"
    if kind == "G" and before == "D":
        return "N"  # a gathering
    if kind == "N" and before == "N" and after == "D" and word.endswith("s") and not word.endswith("ss"):
        return "V"  # a man juggles a ball
    return kind


def _settle(word: str, kinds: list[str], place: int) -> str:
    """Adjectives that stand as nouns ("an orange", "the left"), and nouns that stand as adjectives ("is gloomy")."""
    kind, before = kinds[place], kinds[place - 1] if place else ""
    rest = "".join(kinds[place + 1 : place + 3])
    if kind == "J" and not re.match(r"[JN]|[CQ]J", rest):
        led = re.search(r"D[JA]*\Z", "".join(kinds[max(0, place - 5) : place])) is not None
        return "N" if led else "J"
    if word in _PLACES and before != "D" and not re.match(r"[JN]", rest):
        return "J"
    if kind == "N" and before and before in "XA" and not rest.startswith("N") and find_singular(word) == word:
        there = "U" in kinds[max(0, place - 3) : place]
        return kind if there or "X" not in kinds[max(0, place - 2) : place] else "J"
    return kind
