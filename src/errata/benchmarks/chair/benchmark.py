"""CHAIR: how many of the objects a description names are not in the image (Rohrbach et al. 2018, arXiv 1809.02156).

Descriptions are asked for; what is true of an image are its annotated objects and those that people's captions name.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from errata.benchmarks.annotations import AnnotatedImage, read_annotations, require_captions
from errata.benchmarks.chair.score import UNITS, build_truth, count_description
from errata.benchmarks.protocol import Benchmark, Card, Item, Remote, Reply, Setup
from errata.errors import ConfigError, DataError
from errata.records import BenchmarkResult, Question, Turn
from errata.text import Vocabulary, load_coco_vocabulary, load_vocabulary

SYNONYMS = "synonyms.txt"
INSTANCES = "instances_val2014.json"
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*(?=\s|\Z)")


@dataclass(frozen=True)
class Chair(Benchmark[AnnotatedImage]):
    """Hallucinated objects in descriptions.

    Args:
        images: How many to draw, from the seed; None takes all. Papers on vision-language models mostly take 500.
        question: What to ask; None asks what the annotation says, else for a description in detail.
        cut_sentence: Whether a last sentence without an end is read ("keep") or left out ("drop").
    """

    images: int | None = None
    question: str | None = None
    cut_sentence: Literal["keep", "drop"] = "keep"

    units = UNITS
    draws: ClassVar[str] = "images"
    card = Card(
        name="chair",
        title="CHAIR",
        measures="hallucinated objects in descriptions",
        paper="Rohrbach et al. 2018, arXiv 1809.02156",
        licence="BSD-2 (synonym list); CC BY 4.0 (COCO's annotations); COCO's terms (images)",
        size="any annotated images; COCO val2014 has 40,504, of which papers draw 500",
        metrics="CHAIR_i, CHAIR_s, recall, words",
        data="instances_val2014.json with captions_val2014.json, synonyms.txt and COCO's images; or --annotations",
        remotes=(
            Remote(
                "https://raw.githubusercontent.com/LisaAnne/Hallucination/master/data/synonyms.txt",
                SYNONYMS,
                "b685537b36fe21b791c87151b96a991ceb582edff19f3da204dcc7a7905502f2",
                rows=(80,),
            ),
            Remote(
                "http://images.cocodataset.org/annotations/annotations_trainval2014.zip",
                "annotations_trainval2014.zip",
                members=(INSTANCES, "captions_val2014.json"),
            ),
        ),
    )

    def load(self, setup: Setup) -> list[AnnotatedImage]:
        """Annotated images whose objects the vocabulary knows, all or a sample."""
        rows = list(setup.annotations) if setup.annotations is not None else read_annotations(_find_instances(setup))
        vocabulary = find_vocabulary(setup)
        for name in dict.fromkeys(name for row in rows for name in row.objects):
            vocabulary.find_object(name)
        if setup.mode == "official":
            require_captions(rows, self.card.name)
        if self.images is None:
            return rows
        if not 1 <= self.images <= len(rows):
            found = f"{self.images} of {len(rows)}"
            raise ConfigError(
                "chair.images", expected="as many as there are, or fewer", found=found, fix="ask for less"
            )
        return random.Random(f"{setup.seed}/chair").sample(rows, self.images)

    def prompt(self, row: AnnotatedImage) -> Question:
        """One request for a description; the id is the image."""
        asked = Turn("user", self.question or row.question)
        return Question(row.image, (row.image,), (asked,), describe_truth(row))

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """Mentions, true and made up."""
        vocabulary, meta = find_vocabulary(setup), question.meta
        truth = build_truth({"": meta["objects"]}, {"": meta["captions"]}, vocabulary, setup.mode)[""]
        text = drop_cut_sentence(reply.text) if self.cut_sentence == "drop" else reply.text
        return count_description(text, truth, vocabulary, setup.mode)

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """One result, with the vocabulary in its settings."""
        vocabulary = Path(find_vocabulary(setup).name).name
        return [self.build_result(self.card.name, items, self.units, setup, vocabulary=vocabulary)]


def describe_truth(row: AnnotatedImage) -> dict[str, Any]:
    """What is true of an image, for the `meta` of a question; `uncaptioned` where half of COCO's truth is missing."""
    known: dict[str, Any] = {"objects": [*row.objects], "captions": [*row.captions]}
    return known | ({"uncaptioned": True} if row.uncaptioned else {})


def drop_cut_sentence(text: str) -> str:
    """The text up to its last sentence's end; nothing where no sentence ends."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


def _find_instances(setup: Setup) -> Path:
    path = (setup.data or Path()) / INSTANCES
    if setup.data is None or not path.is_file():
        fix = "`errata bench fetch chair`, or --data DIR with COCO's annotations, or --annotations"
        raise DataError(
            f"{setup.data or 'chair'}: {INSTANCES}", expected="a file", found="no such file", fix=fix, code="file"
        )
    return path


def find_vocabulary(setup: Setup) -> Vocabulary:
    """The vocabulary of a setup. Raises ConfigError where official mode lacks the released list."""
    official, released = setup.mode == "official", (setup.data or Path()) / SYNONYMS
    if setup.vocabulary is not None:
        return _read_vocabulary(setup.vocabulary, official)
    if not official:
        return _read_vocabulary(None, official)
    if setup.data is None or not released.is_file():
        raise ConfigError(
            "vocabulary",
            expected="the released synonym list, with which official CHAIR numbers are made",
            found="none",
            fix="`errata bench fetch chair`, or pass CHAIR's synonyms.txt as --vocabulary, or use strict mode",
        )
    return _read_vocabulary(released, official)


@lru_cache(maxsize=4)
def _read_vocabulary(path: Path | None, verbatim: bool) -> Vocabulary:
    return load_coco_vocabulary() if path is None else load_vocabulary(path, verbatim=verbatim)
