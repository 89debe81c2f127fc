"""Vocabularies: which words name which object.

A vocabulary file has one line per object, `name, synonym, synonym`, the form of CHAIR's synonym list. Our own files may
add lines that begin with a mark: `# comment`; `! home plate, train track` for phrases that contain an object's name
and name nothing in the vocabulary; `~ orange` for words that are often adjectives and count only where they stand as
a noun; `+ baby, adult` for words that, right before another object, say its age and not an object of their own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from errata.errors import DataError
from errata.text.singular import find_singular
from errata.text.words import find_words

Phrase = tuple[str, ...]
"""The words of a name, lower-cased and singular."""


@dataclass(frozen=True)
class Vocabulary:
    """Names of objects.

    Attributes:
        name: Where it came from, for the settings of a result.
        synonyms: Name as written -> object; every object is a name of itself.
        ignored: Phrases that are read over.
        guarded: Words that count only as nouns.
        modifiers: Words that describe an object that follows.
    """

    name: str
    synonyms: Mapping[str, str]
    ignored: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()
    modifiers: frozenset[str] = frozenset()
    phrases: Mapping[Phrase, str | None] = field(init=False, repr=False, compare=False)
    """Every name as a phrase -> object; None where the phrase is read over."""
    lengths: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    """First word of a phrase -> how many words the phrases have that begin with it, longest first."""

    def __post_init__(self) -> None:
        phrases: dict[Phrase, str | None] = {split_phrase(name): value for name, value in self.synonyms.items()}
        phrases.update((split_phrase(name), None) for name in self.ignored)
        object.__setattr__(self, "phrases", phrases)
        lengths: dict[str, set[int]] = {}
        for phrase in filter(None, phrases):
            lengths.setdefault(phrase[0], set()).add(len(phrase))
        ordered = {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}
        object.__setattr__(self, "lengths", ordered)

    @property
    def objects(self) -> tuple[str, ...]:
        """The objects, in the order of the file."""
        return tuple(dict.fromkeys(self.synonyms.values()))

    def find_object(self, name: str) -> str:
        """The object that `name` means. Raises DataError with the nearest name when there is none."""
        found = self.synonyms.get(name) or self.phrases.get(split_phrase(name))
        if found is None:
            near = difflib.get_close_matches(name, self.synonyms, n=1)
            fix = f"did you mean {near[0]!r}? else" if near else "leave it out or"
            raise DataError(
                f"vocabulary {self.name}", expected="an object it knows", found=f"{name!r}", fix=f"{fix} add it"
            )
        return found


def split_phrase(name: str) -> Phrase:
    """The words of a name, lower-cased and singular: `Wine glasses` -> `("wine", "glass")`."""
    return tuple(find_singular(word.text) for word in find_words(name))


def build_vocabulary(categories: Iterable[str] | Mapping[str, Iterable[str]], name: str = "categories") -> Vocabulary:
    """A vocabulary of plain names, or of names with their synonyms. Raises DataError on a synonym of two objects."""
    synonyms: dict[str, str] = {}
    for category in categories:
        others = categories[category] if isinstance(categories, Mapping) else ()
        for synonym in (category, *others):
            _add_synonym(synonyms, synonym, category, f"vocabulary {name}")
    return Vocabulary(name, synonyms)


def load_vocabulary(path: str | Path, *, verbatim: bool = False) -> Vocabulary:
    """Read a vocabulary file.

    Args:
        path: One object per line (see the top of this module).
        verbatim: Split on comma + blank and strip nothing, as the released CHAIR code does: an entry after two blanks
            keeps one and never matches. For official mode.

    Raises:
        DataError: `file:line` of a synonym that belongs to two objects, or a file that cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            str(path), expected="a vocabulary as UTF-8 text", found=str(error), fix="check the path"
        ) from None
    return parse_vocabulary(text, str(path), verbatim=verbatim)


def load_coco_vocabulary() -> Vocabulary:
    """The 80 COCO categories with our own synonyms, for strict mode."""
    text = resources.files("errata.text").joinpath("coco.txt").read_text(encoding="utf-8")
    return parse_vocabulary(text, "coco")


def parse_vocabulary(text: str, name: str, *, verbatim: bool = False) -> Vocabulary:
    """Read the text of a vocabulary file; `name` is its place in messages and results. See `load_vocabulary`."""
    synonyms: dict[str, str] = {}
    marked: dict[str, list[str]] = {"!": [], "~": [], "+": [], "#": []}
    for number, line in enumerate(text.splitlines(), 1):
        names = line.strip().split(", ") if verbatim else [item.strip() for item in line.split(",")]
        if not verbatim and line[:1] in marked:
            marked[line[0]] += [names[0][1:].strip(), *names[1:]]
        elif line.strip():
            for synonym in names:
                _add_synonym(synonyms, synonym, names[0], f"{name}:{number}")
    if not synonyms:
        raise DataError(name, expected="at least one object", found="none", fix="write one object per line")
    sets = [frozenset(filter(None, marked[mark])) for mark in "!~+"]
    return Vocabulary(name, synonyms, *sets)


def _add_synonym(synonyms: dict[str, str], synonym: str, category: str, where: str) -> None:
    if not synonym.strip():
        raise DataError(where, expected="names between the commas", found="an empty one", fix="remove the comma")
    other = synonyms.setdefault(synonym, category)
    if other != category:
        found = f"{synonym!r} for {other!r} and {category!r}"
        raise DataError(where, expected="a name for one object only", found=found, fix="drop one of them")
