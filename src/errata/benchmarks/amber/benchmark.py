"""AMBER: made-up things in descriptions, and yes/no questions about what is, how it is and how it relates.

Wang et al. 2023, arXiv 2311.07397. No judge is needed: people annotated what is in each image and what one would
imagine there.

AMBER's released files: questions, annotations and word lists.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from errata.benchmarks.amber.score import (
    NounPath,
    Nouns,
    WordLists,
    choose_path,
    compute_released,
    count_nouns,
    count_verdict,
)
from errata.benchmarks.official_files import Row, read_json, read_rows, require_file
from errata.benchmarks.protocol import Benchmark, Card, Item, Published, Remote, Reply, Setup
from errata.benchmarks.statistics import Combined, Unit, describe_combined, estimate
from errata.errors import ConfigError, DataError
from errata.records import BenchmarkResult, Fields, Question, Turn
from errata.text import find_words

_FIX = "`errata bench fetch amber`, or --data DIR with the official files"
_FOLDERS = ("query", "amber", "amber/query")
QUERIES = {"generative": 1004, "discriminative": 14216}
GROUPS = {
    "discriminative-hallucination": ("existence",),
    "discriminative-attribute-state": ("attribute", "state"),
    "discriminative-attribute-number": ("attribute", "number"),
    "discriminative-attribute-action": ("attribute", "action"),
    "discriminative-relation": ("relation",),
    "relation": ("relation",),
}
"""Type of a question -> the results that it belongs to."""


def read_queries(setup: Setup, part: str, truth: Mapping[int, Mapping[str, Any]]) -> list[Question]:
    """The questions of a part. Raises DataError for other versions of the file or a row without its annotation."""
    path = _require(setup.data, f"query_{part}.json")
    rows = read_rows(path, {"id": int, "image": str, "query": str}, count=(QUERIES[part],))
    return [_build_question(row, where, part, truth, setup) for where, row in rows]


def _build_question(row: Row, where: str, part: str, truth: Mapping[int, Mapping[str, Any]], setup: Setup) -> Question:
    number, fix = row["id"], "use the file as released"
    known = truth.get(number)
    if known is None or (known["type"] == "generative") != (part == "generative"):
        found = "no annotation" if known is None else f"one of type {known['type']!r}"
        raise DataError(where, expected=f"an annotation of id {number}", found=found, fix=fix)
    if part == "discriminative" and setup.mode == "strict":
        _require_known(known, where, fix)
    meta = {
        "question_id": number,
        "part": part,
        **{key: known[key] for key in ("type", "truth", "hallu") if key in known},
    }
    return Question(str(number), (row["image"],), (Turn("user", row["query"]),), meta)


def _require_known(known: Mapping[str, Any], where: str, fix: str) -> None:
    """The release takes every other type for a relation, and every other label for a no."""
    if known["type"] not in GROUPS or known["truth"] not in ("yes", "no"):
        found = f"{known['type']!r} with {known['truth']!r}"
        raise DataError(where, expected="a type of the benchmark, with yes or no", found=found, fix=fix)


def _read_annotations(path: Path) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    for where, row in read_rows(path, {}, count=(sum(QUERIES.values()),)):
        fields = Fields(row, where, "annotation", fix="use the file as released")
        key, kind, truth = fields.take("id", int), fields.take("type", str), fields.take("truth", (list, str))
        hallu = fields.take_texts("hallu", needed=kind == "generative")
        if key in found or isinstance(truth, list) != (kind == "generative"):
            found_there = f"id {key} again" if key in found else f"{type(truth).__name__} as truth of {kind!r}"
            raise DataError(fields.where, expected="one annotation an id", found=found_there, fix=fields.fix)
        found[key] = {"type": kind, "truth": truth, **({"hallu": list(hallu)} if hallu else {})}
    return found


def read_truth(data: Path | None) -> dict[int, Mapping[str, Any]]:
    """Id -> type, truth and, of descriptions, what one would imagine. Raises DataError for other versions."""
    return _read_annotations(_require(data, "annotations.json"))


def load_lists(data: Path | None) -> WordLists:
    """The word lists. Raises DataError where they are not there."""
    return _read_lists(*(_require(data, name) for name in ("relation.json", "safe_words.txt")))


def _require(data: Path | None, name: str) -> Path:
    return require_file(data, "amber", name, folders=_FOLDERS, fix=_FIX)


@lru_cache(maxsize=2)
def _read_lists(relation: Path, safe: Path) -> WordLists:
    association = read_json(relation, dict, "word lists by word")
    if not all(isinstance(words, list) for words in association.values()):
        raise DataError(str(relation), expected="a list for each word", found="something else", fix=_FIX)
    return WordLists(association, frozenset(safe.read_text(encoding="utf-8").split()))


_URL = "https://raw.githubusercontent.com/junyangwang0410/AMBER/master/data/"
_SHA256 = {
    "annotations.json": "db22a436c4836fbb295e60b4e80d519573077579fb7032f01b193c1bd022b797",
    "relation.json": "c4c1491e9bbc3209abc1888c12a1bf8413bdbab8a0d8be04b990a2e7680cf23e",
    "safe_words.txt": "f92cf1123f4578a2630832fac3e6ac4de36212ea55859d3bed4fd233723f4043",
    "query/query_discriminative.json": "1502887ac020f4bb7ea564af4e37bddcb030d61b78490d00f9da492a2307abb8",
    "query/query_generative.json": "b7e4c36596126ee36d2c3922638b7fa98743c26efda78fea2315f4425258d087",
}
GENERATIVE = {
    "chair": Unit("share", "lower"),
    "cover": Unit("share", "higher"),
    "hal": Unit("share", "lower"),
    "cog": Unit("share", "lower"),
    "words": Unit("words", "neither"),
}
DISCRIMINATIVE = {name: Unit("share", "higher") for name in ("accuracy", "precision", "recall", "f1")}
UNITS = {**GENERATIVE, **DISCRIMINATIVE}
_SCORE = Combined({"chair": -0.5, "f1": 0.5}, plus=0.5, better="higher")


@dataclass(frozen=True)
class Amber(Benchmark[Question]):
    """Descriptions and yes/no questions about 1004 images.

    Args:
        part: Which of the two.
        nouns: Who finds the nouns of descriptions in official mode: NLTK and spaCy as released, our own rules, or
            whichever is there.
        images: How many images to draw, from the seed; None takes all.
    """

    part: Literal["all", "generative", "discriminative"] = "all"
    nouns: Nouns = "auto"
    images: int | None = None

    units = UNITS
    draws: ClassVar[str] = "images"
    card = Card(
        name="amber",
        title="AMBER",
        measures="made-up things in descriptions; yes/no questions about existence, attributes, relations",
        paper="Wang et al. 2023, arXiv 2311.07397",
        licence="Apache-2.0 (annotations)",
        size="1004 descriptions and 14216 yes/no questions about 1004 images",
        metrics="CHAIR, Cover, Hal, Cog; accuracy, precision, recall, F1 of the noes, by type; (100 - CHAIR + F1) / 2",
        data="annotations, queries and word lists (fetched); the images from AMBER's repository page",
        remotes=tuple(Remote(_URL + name, Path(name).name, sha256) for name, sha256 in _SHA256.items()),
        published=(
            Published("accuracy / F1", "LLaVA-1.5 7B", "73.5 / 77.6", "RLAIF-V v1", "read second-hand"),
            Published("accuracy / F1", "RLAIF-V 7B", "76.8 / 84.5", "RLAIF-V v1", "read second-hand"),
        ),
    )

    def load(self, setup: Setup) -> list[Question]:
        """The official questions; annotated images of others say nothing of what one would imagine in them."""
        choose_path(self.nouns, setup.mode, load_lists(setup.data))
        parts = [part for part in QUERIES if self.part in ("all", part)]
        truth = read_truth(setup.data)
        questions = [question for part in parts for question in read_queries(setup, part, truth)]
        return questions if self.images is None else _draw(questions, self.images, setup.seed)

    def prompt(self, row: Question) -> Question:
        """A row is a question already."""
        return row

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """Nouns against the lists, or a verdict against its label."""
        meta = question.meta
        if meta["part"] == "discriminative":
            asked = question.prompt[-1].text
            return {"type": meta["type"], **count_verdict(reply.text, meta["truth"], setup.mode, asked)}
        lists = load_lists(setup.data)
        path = choose_path(self.nouns, setup.mode, lists)
        found = count_nouns(path.find(reply.text), meta["truth"], meta["hallu"], lists, path.similar, setup.mode)
        found["counts"]["words"] = [len(find_words(reply.text)), 1]
        return {"type": meta["type"], **found}

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """A result per part and per type of question, and with both parts the combined score.

        In official mode `released` in the settings holds the numbers as the release prints them.
        """
        path = choose_path(self.nouns, setup.mode, load_lists(setup.data))
        suffix = "-offline" if path.name == "offline" else ""
        told = [item for item in items if "nouns" in item]
        asked = [item for item in items if "said" in item]
        results = [self._build(f"amber-generative{suffix}", told, GENERATIVE, setup, path)] if told else []
        groups = {"discriminative": asked, **_group(asked)} if asked else {}
        units = DISCRIMINATIVE | ({"unknown_share": Unit("share", "lower")} if setup.mode == "strict" else {})
        results += [self._build(f"amber-{name}", part, units, setup, None) for name, part in groups.items()]
        return results + ([self._combine(f"amber{suffix}", items, setup, path)] if told and asked else [])

    def advise_missing(self, questions: Sequence[Question], answered: Set[str], /) -> str:
        """People answer AMBER's two files of queries apart."""
        parts = {question.meta["part"] for question in questions if question.id in answered}
        alone = next(iter(parts)) if self.part == "all" and len(parts) == 1 else ""
        return f"score this part alone with amber.part={alone}" if alone else ""

    def _build(
        self, name: str, items: Sequence[Item], units: Mapping[str, Unit], setup: Setup, path: NounPath | None
    ) -> BenchmarkResult:
        details: dict[str, Any] = {} if path is None else {"noun_path": path.name}
        if setup.mode == "official":
            details["released"] = compute_released(items, name.removeprefix("amber-"))
        return self.build_result(name, items, units, setup, **details)

    def _combine(self, name: str, items: Sequence[Item], setup: Setup, path: NounPath) -> BenchmarkResult:
        """(100 - CHAIR + F1) / 2, with the images drawn together."""
        units, combined = {part: self.units[part] for part in _SCORE.weights}, {"amber": _SCORE}
        bare = []
        for item in items:
            counts = {part: item["counts"][part] for part in units if part in item["counts"]}
            bare.append({"id": item["id"], "image": item["image"], "counts": counts})
        result = self.build_result(name, bare, {}, setup, noun_path=path.name, combined=describe_combined(combined))
        return replace(result, metrics={"amber": estimate(bare, units, combined=combined)["amber"]})


def _group(items: Sequence[Item]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {name: [] for names in GROUPS.values() for name in names}
    for item in items:
        for name in GROUPS.get(item["type"], ("relation",)):  # as released; strict mode lets no other type pass
            groups[name].append(item)
    return {name: group for name, group in groups.items() if group}


def _draw(questions: Sequence[Question], count: int, seed: int) -> list[Question]:
    images = list(dict.fromkeys(question.images[0] for question in questions))
    if not 1 <= count <= len(images):
        found = f"{count} of {len(images)}"
        raise ConfigError("amber.images", expected="as many as there are, or fewer", found=found, fix="ask for less")
    drawn = set(random.Random(f"{seed}/amber").sample(images, count))
    return [question for question in questions if question.images[0] in drawn]
