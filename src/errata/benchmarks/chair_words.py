"""Objects in a caption as the released CHAIR code finds them (Rohrbach et al. 2018, arXiv 1809.02156), bugs included.

Known oddities that official mode keeps: "bus" and "glass" never match (singular `bu`, `glas`), three-word names are
dead, "bow ties" loses its second word, "home plate" swallows two words, every mention counts even when negated, and
after a "seat" was dropped beside a "toilet" the indexes point into the longer list.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errata.text import Mention, Vocabulary, find_official_singular, find_treebank_tokens

_PAIRS = (
    "motor bike, motor cycle, air plane, traffic light, street light, traffic signal, stop light, fire hydrant, "
    "stop sign, parking meter, suit case, sports ball, baseball bat, baseball glove, tennis racket, wine glass, "
    "hot dog, cell phone, mobile phone, teddy bear, hair drier, potted plant, bow tie, laptop computer, "
    "stove top oven, home plate, train track"
).split(", ")
_ANIMALS = "bird cat dog horse sheep cow elephant bear zebra giraffe animal cub".split()

_MERGED = {
    **{pair: pair for pair in _PAIRS},
    **{f"{age} {animal}": animal for animal in _ANIMALS for age in ("baby", "adult")},
    **{f"passenger {vehicle}": vehicle for vehicle in ("jet", "train")},
    "bow tie": "tie",
    "toilet seat": "toilet",
    "wine glas": "wine glass",
}
"""Two neighbouring words -> the one they are read as."""
_FIRST_WORDS = frozenset(pair.partition(" ")[0] for pair in _MERGED)


@dataclass(frozen=True, slots=True)
class CaptionWords:
    """What the released `caption_to_words` returns.

    Attributes:
        words: The caption's words, singular, pairs merged.
        mentions: Those that name an object, with their true places in the caption.
        indexes: Per mention the index of its first token, as released (see the top of this module).
    """

    words: tuple[str, ...]
    mentions: tuple[Mention, ...]
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Merged:
    word: str
    index: int
    start: int
    end: int


def find_caption_words(caption: str, vocabulary: Vocabulary) -> CaptionWords:
    """Tokens -> singular -> merged pairs -> the names of objects among them.

    Args:
        caption: The text.
        vocabulary: Read with `load_vocabulary(path, verbatim=True)`.
    """
    merged = _merge_pairs(caption)
    words = tuple(item.word for item in merged)
    kept = [item for item in merged if not (item.word == "seat" and "toilet" in words)]
    named = [item for item in kept if item.word in vocabulary.synonyms]
    mentions = tuple(Mention(item.start, item.end, item.word, vocabulary.synonyms[item.word]) for item in named)
    positions = [position for position, item in enumerate(kept) if item.word in vocabulary.synonyms]
    return CaptionWords(words, mentions, tuple(merged[position].index for position in positions))


def _merge_pairs(caption: str) -> Sequence[_Merged]:
    """Greedily from the left, two tokens at a time."""
    tokens = find_treebank_tokens(caption)
    singulars = [find_official_singular(token.text) for token in tokens]
    merged: list[_Merged] = []
    index = 0
    while index < len(tokens):
        pair = " ".join(singulars[index : index + 2]) if singulars[index] in _FIRST_WORDS else ""
        length = 2 if pair in _MERGED else 1
        word = _MERGED[pair] if length == 2 else singulars[index]
        merged.append(_Merged(word, index, tokens[index].start, tokens[index + length - 1].end))
        index += length
    return merged
