"""Where a text names objects: longest names first, whole words, nouns only, negated mentions marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errata.text.singular import find_singular
from errata.text.vocabulary import Vocabulary
from errata.text.words import Word, find_words

_DETERMINERS = frozenset(
    "a an the this that these those one two three four five six seven eight nine ten some several many few each every "
    "another any no his her its their my your our of and or with fresh ripe sliced whole half peeled".split()
)
_FUNCTION_WORDS = frozenset(
    "a an the is are was were be being been has have had and or but nor in on at by of to with without near next under "
    "over above below beside behind between before after from into onto through across along around against while as "
    "who which that it he she they there sits sit stands stand lies lie rests rest hangs hang sitting standing lying "
    "resting hanging placed also can not for no because if then so".split()
)
_NEGATORS = frozenset("no not without neither nor isn't aren't don't doesn't cannot can't never".split())
_COLOURS = frozenset("black white grey gray red blue green yellow brown pink purple gold silver beige tan".split())
_ARTICLES = frozenset(("a", "an", "the"))
_PASSED_OVER = frozenset("a an any other visible single or nor and see have contain include show the".split())


@dataclass(frozen=True, slots=True)
class Mention:
    """An object named in a text.

    `start:end` are characters of the text, `word` is the name as the vocabulary has it, `object` the object it means.
    `negated` mentions ("no dogs or cats", "without a hat") claim nothing.
    """

    start: int
    end: int
    word: str
    object: str
    negated: bool = False


def find_mentions(text: str, vocabulary: Vocabulary) -> list[Mention]:
    """Find every mention, left to right, without overlaps.

    The longest name wins, words of a name are parted by blanks or hyphens only, and plural and singular are the same.
    """
    words = find_words(text)
    found = _find_phrases(text, words, vocabulary)
    mentions: list[Mention] = []
    negated_words: set[int] = set()
    for position, (first, last, named) in enumerate(found):
        if named is None or not _is_noun(text, words, first, last, vocabulary):
            continue
        if _modifies_next(text, words, found, position, vocabulary):
            continue
        negated = _is_negated(text, words, first, negated_words)
        if negated:
            negated_words.update(range(first, last))
        phrase = " ".join(find_singular(word.text) for word in words[first:last])
        mentions.append(Mention(words[first].start, words[last - 1].end, phrase, named, negated))
    return mentions


Found = tuple[int, int, str | None]
"""First word, one past the last word, object (None: read over)."""


def _find_phrases(text: str, words: Sequence[Word], vocabulary: Vocabulary) -> list[Found]:
    singulars = [find_singular(word.text) for word in words]
    found: list[Found] = []
    first = 0
    while first < len(words):
        lengths = vocabulary.lengths.get(singulars[first], ())
        joined = _joined_length(text, words, first, lengths[0]) if lengths else 0
        fits = (n for n in lengths if n <= joined and tuple(singulars[first : first + n]) in vocabulary.phrases)
        length = next(fits, 0)
        if length:
            found.append((first, first + length, vocabulary.phrases[tuple(singulars[first : first + length])]))
        first += length or 1
    return found


def _joined_length(text: str, words: Sequence[Word], first: int, longest: int) -> int:
    """How many words from `first` on are parted by blanks or hyphens only."""
    length = 1
    while length < longest and first + length < len(words) and _are_joined(text, words, first + length):
        length += 1
    return length


def _are_joined(text: str, words: Sequence[Word], second: int) -> bool:
    gap = text[words[second - 1].end : words[second].start]
    return gap.strip() in ("", "-", "'s", "’s")


def _is_noun(text: str, words: Sequence[Word], first: int, last: int, vocabulary: Vocabulary) -> bool:
    """Whether a name stands as a noun.

    A plural right before "a" is a verb ("bears a badge"). A guarded word in the singular needs a determiner and no
    other content word after it: "an orange", but not "an orange cat" or "an orange and white bus".
    """
    word, singular = words[last - 1].text, find_singular(words[last - 1].text)
    after = [item.text for item in words[last : last + _joined_length(text, words, last - 1, 3) - 1]]
    if word != singular or last - first > 1 or singular not in vocabulary.guarded:
        return word == singular or after[:1] not in (["a"], ["an"])
    led = first > 0 and _are_joined(text, words, first) and words[first - 1].text in _DETERMINERS
    paired = after[:1] == ["and"] and after[1:] and after[1] in _COLOURS
    return led and not paired and (not after or after[0] in _FUNCTION_WORDS)


def _modifies_next(text: str, words: Sequence[Word], found: Sequence[Found], i: int, vocabulary: Vocabulary) -> bool:
    first, last, named = found[i]
    if words[first].text not in vocabulary.modifiers or last - first > 1 or i + 1 == len(found):
        return False
    return found[i + 1][0] == last and found[i + 1][2] != named and _are_joined(text, words, last)


def _is_negated(text: str, words: Sequence[Word], first: int, negated_words: set[int]) -> bool:
    """Look back over articles, "or" and mentions already negated for a negator, past at most one adjective."""
    adjectives = 1
    for i in range(first - 1, -1, -1):
        gap = text[words[i].end : words[i + 1].start].strip()
        if gap not in ("", "-", ",") or (gap == "," and words[i + 1].text in _ARTICLES):
            return False
        word = words[i].text.replace("’", "'")
        if word in _NEGATORS:
            return True
        if i in negated_words or word in _PASSED_OVER:
            continue
        adjectives -= 1
        if adjectives < 0 or word in _FUNCTION_WORDS:
            return False
    return False
