"""Nouns with the longest phrase that each of them heads: "a man in a red hat who holds a cup"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from errata.text.sentences import Sentence, find_sentences
from errata.text.singular import find_singular
from errata.text.word_classes import classify, presents
from errata.text.words import Word


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
