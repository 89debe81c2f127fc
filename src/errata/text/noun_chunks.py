"""Nouns with the longest phrase that each of them heads: "a man in a red hat who holds a cup".

What kind of word each word of a sentence is, by lists, endings and neighbours.

No model: meant for descriptions of pictures, where an unknown word is most often a noun. One letter a token, so that
phrases are found by a pattern over the letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from errata.text.singular import find_singular
from errata.text.words import Sentence, Word, find_sentences

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


@dataclass(frozen=True, slots=True)
class NounChunk:
    """A noun and the words that belong to it.

    Attributes:
        text: The chunk as it is written.
        start: Its first character in the whole text (Unicode code points).
        end: One past its last.
        noun: The noun at its head, lower-cased and singular.
        sentence: The sentence that holds it.
    """

    text: str
    start: int
    end: int
    noun: str
    sentence: Sentence


_TOKEN = re.compile(r"\d+(?:[.:,]\d+)+|[^\W_]+(?:['’](?!s\b)[^\W_]+)*|--|[^\w\s'’.-]")
"""Words as `find_words` has them, figures whole, and marks; a period inside a sentence ends nothing."""
_PHRASE = re.compile(r"D{0,4}(?:A?J(?:[QC]{1,2}A?J){0,4}|N){0,9}N")
"""Determiners, adjectives ("black and white"), compound nouns, the noun: over the letters of `classify`."""
_PREPOSITIONAL = re.compile(f"(O|P+(?:JO)?){_PHRASE.pattern}")
_RELATIVE = re.compile(r"Q?P?R")
_PARTICIPLE = re.compile(r"A?G")
MOST_WORDS = 60
"""A tail stops there, so that a text that never ends costs no more than its length."""
_PERSONS = ("who", "whom")
_STAYS_WITH_ITS_NOUN = ("with", "without")


def find_noun_chunks(text: str) -> list[NounChunk]:
    """The chunks of all nouns, in the order of the text; a noun in the tail of another has its own chunk as well.

    A chunk is the noun with its determiner, adjectives and compound nouns before it, and behind it: phrases with "of"
    and "with"; other prepositional phrases where no verb stands that they could belong to; participles ("wearing a
    hat"); relative clauses. What "and" joins to it is a chunk of its own. Bare words of place ("Top-left: …") are no
    nouns.
    """
    return [chunk for sentence in find_sentences(text) for chunk in _find_in(text, sentence)]


def _find_in(text: str, sentence: Sentence) -> Iterator[NounChunk]:
    matches = _TOKEN.finditer(text, sentence.start, sentence.end)
    words = [Word(match.group().lower(), *match.span()) for match in matches if match.group() not in ("s", "S")]
    kinds = classify(words)
    for match in _PHRASE.finditer(kinds):
        before = kinds[: match.start()]
        settled, in_tail = _is_settled(words, before), before.endswith(("P", "O"))
        end = _find_end(words, kinds, match.end(), settled=settled, in_tail=in_tail)
        start, stop = words[match.start()].start, words[end - 1].end
        yield NounChunk(text[start:stop], start, stop, find_singular(words[match.end() - 1].text), sentence)


def _is_settled(words: list[Word], before: str) -> bool:
    """Whether a prepositional phrase behind the noun must be the noun's: no verb of doing stands before it."""
    last = max((before.rfind(kind) for kind in "SVGX"), default=-1)
    return last < 0 or before[last] in "SX" or presents(words[last].text)


def _find_end(words: list[Word], kinds: str, end: int, *, settled: bool, in_tail: bool) -> int:
    """One past the last word of the chunk whose noun ends at `end`; "who" means no noun that stands in a tail."""
    most = end + MOST_WORDS
    while end < most and (phrase := _PREPOSITIONAL.match(kinds, end)):
        if not (settled or kinds[end] == "O" or words[end].text in _STAYS_WITH_ITS_NOUN):
            return end
        end = phrase.end()
    clause = _RELATIVE.match(kinds, end) or _PARTICIPLE.match(kinds, end)
    if clause is None or end >= most or (in_tail and words[clause.end() - 1].text in _PERSONS):
        return end
    return _find_clause_end(kinds[:most], clause.end(), relative="R" in clause.group())


def _find_clause_end(kinds: str, place: int, *, relative: bool) -> int:
    """Where a relative clause or a participle's phrase ends: a mark, the sentence's own verb, or a new thing told."""
    verb_due = relative
    while place < len(kinds) and kinds[place] not in "QS":
        after = kinds[place + 1 : place + 2]
        if kinds[place] in "VX":
            if not verb_due:
                break
            verb_due = kinds[place] == "X" and after == "X"  # "that has been"
        elif kinds[place] == "C":
            if after in ("", "D", "U"):
                break
            verb_due = relative and after in ("V", "X")
        place += 1
    return place
