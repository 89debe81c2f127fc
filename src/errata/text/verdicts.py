"""Yes, no or neither: what an answer to a yes/no question says.

A sentence is read by what it affirms or denies of the question, both alike: "There is a dog" is a yes and "There is no
dog" a no to a question about a dog, and neither says anything to one about a cat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from errata.text.refusals import is_refusal, plain
from errata.text.singular import find_singular
from errata.text.words import find_sentences

Said = Literal["yes", "no", "unknown"]

_YES = r"(?<![\w-])(?:yes|yep|yeah|yup)(?![\w-])"
_NO = (
    r"(?<![\w-])(?:nope|nah)(?![\w-])|(?<![\w-])no(?![\w-])"
    r"(?=\W*$|[^\w\s]|\s+(?:there|it|this|that|these|those|the|they|we|he|she|i|you|not|none|because|as|since|in)\b)"
)
_SPANISH = (
    r"puedo|podemos|pude|podría|tengo|dispongo|veo (?:la|ninguna|una)? ?imagen|lo sé|se puede|es posible|me es posible|"
    r"estoy|hay (?:una |ninguna )?(?:imagen|foto)"
)
"""Refusals and doubts in a language whose "no" means "not"."""
_FIRST_NO = (
    r"^\W*no(?![\w-])(?! (?:doubt|wonder|problem|idea|clue|way to|information|image|picture|photo"
    rf"|{_SPANISH})\b)"
)
_WORD = re.compile(rf"(?P<yes>{_YES})|(?P<no>{_NO})")
_VERDICT = re.compile(rf"(?P<yes>{_YES})|(?P<no>{_NO}|{_FIRST_NO})")
_EITHER = re.compile(
    r"^\W*(?:yes\W+no|no\W+yes)\W*$|\byes\s*(?:/|or|and)\s*no\b"
    r"|\bno doubt(?: that)?\b|\bnot (?:only|just)\b|\bno (?:problem|wonder)\b"
)
_DOUBT = re.compile(
    r"(?:\bnot|\bcannot|n't|\bunable to|\bnobody|\bno one|\bno way to|\b(?:hard|difficult|impossible) to|\bno idea)"
    r"\b[\w\s']{0,30}?\b(?:sure|certain|clear|tell|say|determine|know|knows|confirm|verify|assess|judge|"
    r"identify whether|enough)\b"
    r"|\b(?:unclear|unsure|uncertain|unknown|ambiguous|whether|maybe|perhaps|possibly|might|may be|may have|"
    r"could be|depends|nobody knows)\b"
    r"|\b(?:hard|difficult|impossible) to\b|\bno idea\b"
)
_NEGATION = re.compile(
    r"(?<![\w-])(?:no|not|cannot|none|nothing|neither|nor|never|without|nobody|absent|missing|lacks?|lacking|"
    r"devoid|absence|unable|incorrect|false|fails? to)(?![\w-])"
    r"|\w+n't\b|\bfree of\b"
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|there's|it's|shows?|has|have|had|contains?|depicts?|includes?|features?|see|seen|"
    r"does|do|did|"
    r"visible|present|can|cannot|\w+n't)\b"
)
_BARE = re.compile(
    r"(?:(?:there|it|they|he|she|this|that|these|those|i|we)(?:'s)? ?)?(?:(?:is|are|was|were|does|do|did|has|"
    r"have|can|see)"
    r"(?:n't| not)? ?|not |cannot )*(?:(?:one|so|true|correct|incorrect|false|think|appear|seem|none|any|see|"
    r"it|present|visible|here|there|seen|shown|the case)\b ?)*"
    r"(?:in (?:the|this|that) (?:image|picture|photo))?\W*"
)
_PLACE = re.compile(
    r"\b(?:in|on|of|within|from)\s+(?:the|this|that|an?|your)?\s*(?:given |provided |above |whole )?"
    r"(?:image|picture|photo|photograph|scene|figure)s?(?:\s+\d+)?\b"
)
_EMPTY = frozenset(
    "is are was were be been being am there a an the this that these those any some do does did has have had can could "
    "will would you we i it its their his her your my of in on at to and or image picture photo photograph figure "
    "scene please answer question using single word phrase yes no visible present shown seen see show find appear "
    "contain depict with one s so".split()
)
_OPENERS = (
    r"(?:a|an|the|no|not|there|it|i|we|but|and|or|only|just|with|without|while|which|though|although|however|"
    r"instead|"
    r"rather|as|so|because|nor|neither|yet|they|he|she|this|that)\b"
)
_CLAUSE = re.compile(rf"[;:—–]\s*|,\s*(?={_OPENERS})|,?\s+(?=(?:but|however|although|though|whereas|while)\b)")
_HERE = re.compile(
    r"\b(?:present|visible|there|shown|seen|depicted|pictured|found|here|included|absent|missing|see|part)\b|^\W*$"
)


def read_yes_no(answer: str, question: str = "") -> Said:
    """The verdict of the first sentence that has one; a refusal and a doubt have none.

    Args:
        answer: Without its reasoning.
        question: What was asked; without it any plain statement is taken to be about it.
    """
    if is_refusal(answer):
        return "unknown"
    text = _EITHER.sub(" ", plain(answer))
    wanted, existence = _list_content(question), bool(re.match(r"\W*(?:is|are) there\b", plain(question)))
    for sentence in find_sentences(text):
        if not sentence.text.endswith("?"):
            said = _read_sentence(sentence.text, wanted, existence=existence, asked=bool(question))
            if said != "unknown":
                return said
    return "unknown"


def find_verdict_words(text: str) -> set[Said]:
    """Which of yes and no a text has as words of their own; the "no" of "no dog" is none."""
    found: set[Said] = set()
    for sentence in find_sentences(_EITHER.sub(" ", plain(text))):
        found |= {"yes" if match["yes"] else "no" for match in _WORD.finditer(sentence.text)}
    return found


def _read_sentence(sentence: str, wanted: frozenset[str], *, existence: bool, asked: bool) -> Said:
    verdict = _VERDICT.search(sentence)
    if verdict:
        return "yes" if verdict["yes"] else "no"
    if _DOUBT.search(sentence):
        return "unknown"
    if _BARE.fullmatch(sentence) or re.fullmatch(r"(?:none|nothing|not (?:at all|really|that i can see))\W*", sentence):
        return "no" if _NEGATION.search(sentence) else "yes"
    for unit in _list_units(sentence):
        if (asked and wanted and wanted <= _stems(unit)) or (not asked and _VERB.search(unit)):
            return _read_unit(unit, wanted, existence=existence)
    return "unknown"


def _read_unit(unit: str, wanted: frozenset[str], *, existence: bool) -> Said:
    """What a clause that speaks of the matter says of it. "The dog is not on the bench" does not deny a dog."""
    negations = list(_NEGATION.finditer(unit))
    if not negations:
        return "yes"
    named = [match.end() for match in re.finditer(r"[^\W_]+", unit) if _stem(match[0]) in wanted]
    if existence and named and negations[0].start() > max(named):
        rest = _PLACE.sub(" ", unit[negations[0].end() :])
        return "no" if _HERE.search(rest) or re.match(r"absent|missing", negations[0][0]) else "unknown"
    return "no"


def _list_units(sentence: str) -> Iterator[str]:
    """The clauses, and then the whole."""
    parts = _CLAUSE.split(sentence)
    yield from parts
    if len(parts) > 1:
        yield sentence


def _list_content(question: str) -> frozenset[str]:
    """What the question asks about: its words but for those that every question has."""
    lines = plain(question.replace("<image>", " ")).splitlines()
    return _stems(_PLACE.sub(" ", lines[0])) if lines else frozenset()


def _stems(text: str) -> frozenset[str]:
    words = {match[0] for match in re.finditer(r"[^\W_]+(?:'[^\W_]+)?", text)}
    return frozenset(_stem(word) for word in words if word not in _EMPTY and not word.endswith("n't"))


def _stem(word: str) -> str:
    """Rough: plural and singular are one, and so are the forms of a regular verb."""
    stem = find_singular(word.removesuffix("'s"))
    if len(stem) > 5 and stem.endswith("ing"):
        stem = stem[:-3]
    elif len(stem) > 4 and stem.endswith("ed"):
        stem = stem[:-2]
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] in "bdgmnprt":
        stem = stem[:-1]
    return stem.removesuffix("e")
