"""Objects in a caption as the released CHAIR code finds them (Rohrbach et al. 2018, arXiv 1809.02156), bugs included.

Known oddities that official mode keeps: "bus" and "glass" never match (singular `bu`, `glas`), three-word names are
dead, "bow ties" loses its second word, "home plate" swallows two words, every mention counts even when negated, and
after a "seat" was dropped beside a "toilet" the indexes point into the longer list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from errata.text import Mention, Vocabulary, find_official_singular, find_treebank_tokens

_PAIRS = (
    "motor bike, motor cycle, air plane, traffic light, street light, traffic signal, stop light, fire hydrant, "
    "stop sign, parking meter, suit case, sports ball, baseball bat, baseball glove, tennis racket, wine glass, "
    "hot dog, cell phone, mobile phone, teddy bear, hair drier, potted plant, bow tie, laptop computer, "
    "stove top oven, home plate, train track"
).split(", ")
_ANIMALS = "bird cat dog horse sheep cow elephant bear zebra giraffe animal cub".split()


def build_pairs(names: Iterable[str]) -> dict[str, str]:
    """Two neighbouring words -> the one they are read as: compound names as they are, and the released additions."""
    return {
        **{name: name for name in names},
        **{f"{age} {animal}": animal for animal in _ANIMALS for age in ("baby", "adult")},
        **{f"passenger {vehicle}": vehicle for vehicle in ("jet", "train")},
        "bow tie": "tie",
        "toilet seat": "toilet",
        "wine glas": "wine glass",
    }


_MERGED = build_pairs(_PAIRS)


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


class Merged(NamedTuple):
    """A word after merging, the index of its first token, and how many tokens it was made of (1 or 2)."""

    word: str
    first: int
    length: int


def find_caption_words(caption: str, vocabulary: Vocabulary) -> CaptionWords:
    """Tokens -> singular -> merged pairs -> the names of objects among them.

    Args:
        caption: The text.
        vocabulary: Read with `load_vocabulary(path, verbatim=True)`.
    """
    tokens = find_treebank_tokens(caption)
    merged = merge_pairs([find_official_singular(token.text) for token in tokens], _MERGED)
    words = tuple(item.word for item in merged)
    kept = [item for item in merged if not (item.word == "seat" and "toilet" in words)]
    named = [item for item in kept if item.word in vocabulary.synonyms]
    mentions = tuple(
        Mention(tokens[m.first].start, tokens[m.first + m.length - 1].end, m.word, vocabulary.synonyms[m.word])
        for m in named
    )
    positions = [position for position, item in enumerate(kept) if item.word in vocabulary.synonyms]
    return CaptionWords(words, mentions, tuple(merged[position].first for position in positions))


def merge_pairs(words: Sequence[str], pairs: Mapping[str, str]) -> list[Merged]:
    """Merge the pairs among neighbouring words, greedily from the left."""
    merged: list[Merged] = []
    index = 0
    while index < len(words):
        pair = pairs.get(f"{words[index]} {words[index + 1]}") if index + 1 < len(words) else None
        merged.append(Merged(words[index] if pair is None else pair, index, 1 if pair is None else 2))
        index += merged[-1].length
    return merged
