"""Answers -> claims with their yes/no questions, by rules: offline stand-ins for a judge that takes answers apart."""

from __future__ import annotations

import re
from collections.abc import Callable

from errata.feedback.claim_split import Claim, Split, ToSplit, build_split
from errata.text import find_sentences, find_words
from errata.world import exists_question, read_claims

_CLAUSE_END = re.compile(r";\s+")
_OPINION = re.compile(
    r"\b(?:overall|perhaps|maybe|likely|possibly|probably|might|may|could|seems?|appears?|suggest(?:s|ing)?|creat(?:es|ing)|"
    r"atmosphere|feel(?:s|ing)?|beautiful|i think|i believe|it looks like)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(r"^(?:yes|no|and|but|also|additionally|in addition)\b\s*,\s*", re.IGNORECASE)
_BE = re.compile(r"\b(is|are|was|were|can)\b", re.IGNORECASE)
_LEAST_WORDS = 2
_LONGEST_SUBJECT = 6
"""Words before the verb; with more of them, the verb may be that of a clause inside."""


def split_by_rules(item: ToSplit) -> Split:
    """Every sentence is a claim, but for opinions and questions; it becomes a question by moving its verb to the front.

    A sentence that has no verb to move is quoted in a question of ours. It is coarser than a judge: a sentence with two
    facts is one claim.
    """
    sentences = [part for one in find_sentences(item.answer) for part in _CLAUSE_END.split(one.text)]
    stated = [sentence for sentence in sentences if _is_claim(sentence)]
    claims = [Claim(sentence, _ask(_HEDGE.sub("", sentence).rstrip(".!;: "))) for sentence in stated]
    return build_split(claims, len(sentences) - len(stated))


def split_world(item: ToSplit) -> Split:
    """The objects that a description of a synthetic scene names, each with the question that the bases learnt."""
    claims = read_claims(item.answer)
    named = [Claim(item.answer[one.start : one.end], exists_question(one.category)) for one in claims]
    sentences = sum(bool(part.strip()) for part in item.answer.split("."))
    return build_split(named, max(0, sentences - len(claims)))


RULES: dict[str, Callable[[ToSplit], Split]] = {"rules": split_by_rules, "world": split_world}
"""By the name that a user gives."""


def _is_claim(sentence: str) -> bool:
    return len(find_words(sentence)) >= _LEAST_WORDS and not sentence.endswith("?") and not _OPINION.search(sentence)


def _ask(statement: str) -> str:
    """A yes/no question to which the answer is yes if the statement is true."""
    verb = _BE.search(statement)
    if verb is None or not 1 <= len(find_words(statement[: verb.start()])) <= _LONGEST_SUBJECT:
        return f'Is this true of the image: "{statement}"?'
    subject, rest = statement[: verb.start()].strip(), statement[verb.end() :].strip()
    subject = subject if _keeps_capital(subject) else subject[0].lower() + subject[1:]
    return f"{verb[1].capitalize()} {subject} {rest}?"


def _keeps_capital(subject: str) -> bool:
    """Whether the first word is a name or a letter, as far as can be told: articles and pronouns are not."""
    first = subject.split()[0].lower()
    known = ("the", "a", "an", "there", "this", "these", "that", "it", "its", "they", "he", "she", "one", "two", "some")
    return first not in known
