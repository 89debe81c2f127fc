"""Object HalBench: made-up objects in detailed descriptions (RLHF-V, Yu et al. 2023, arXiv 2312.00849).

A judge lists the objects that an answer names; COCO's annotations and captions say which are there. A mention is a
string that an answer names at least once: "man" and "woman" are two mentions of a person, "dog" and "dogs" are one.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errata.benchmarks.annotations import AnnotatedImage, require_captions
from errata.benchmarks.chair import Chair, build_truth, describe_truth
from errata.benchmarks.object_halbench.questions import FOLDERS, QUESTIONS, read_questions
from errata.benchmarks.object_halbench.words import (
    SYNONYMS,
    Nouns,
    choose_tagger,
    find_caption_objects,
    find_names,
    match_names,
    read_names_list,
)
from errata.benchmarks.official_files import require_file
from errata.benchmarks.protocol import Benchmark, Card, Item, Mode, Published, Remote, Reply, Setup
from errata.benchmarks.statistics import Unit
from errata.judges import JudgeCall, JudgePrompt
from errata.records import BenchmarkResult, Question, Turn
from errata.text import Vocabulary, find_words

_REPOSITORY = "https://raw.githubusercontent.com/RLHF-V/RLHF-V/main/eval/data/"
EXTRACT = JudgePrompt(
    name="object-halbench-extract",
    version=1,
    text=(
        "Here are a question about an image and an answer to it.\n{question}\n{answer}\n"
        "List the things that the answer says can be seen in the image. Give each kind once, by its name alone as the "
        "answer words it: no colours, numbers or places. Leave out what the answer says is absent, and what it only "
        "compares something with.\n"
        'Reply with one JSON list of names and nothing else, such as ["bicycle", "traffic light"], or [] if the answer '
        "names no such thing."
    ),
    max_tokens=512,
)

UNITS = {
    "response_hall": Unit("share", "lower"),
    "object_hall": Unit("share", "lower"),
    "recall": Unit("share", "higher"),
    "response_hall_all": Unit("share", "lower"),
    "with_objects": Unit("share", "neither"),
    "words": Unit("words", "neither"),
    "unreadable": Unit("share", "lower"),
}


@dataclass(frozen=True)
class ObjectHalBench(Benchmark[tuple[int, AnnotatedImage]]):
    """Made-up objects in descriptions, found with a judge.

    Args:
        nouns: Who finds the nouns of an extracted name in official mode: the pinned spaCy model, our own rules, or
            whichever is there.
    """

    nouns: Nouns = "auto"

    units = UNITS
    card = Card(
        name="object_halbench",
        title="Object HalBench",
        measures="made-up objects in detailed descriptions, extracted by a judge",
        paper="Yu et al. 2023 (RLHF-V), arXiv 2312.00849",
        licence="COCO's terms (images); the list goes back to CHAIR's, BSD-2",
        size="300 questions about 300 images of COCO val2014, 8 wordings; or any annotated images",
        metrics="answers and mentions with made-up objects, recall, words",
        judge="1 call an answer; published with gpt-3.5-turbo-0613",
        data=f"{QUESTIONS} (RLHF-V's repository), {SYNONYMS}, COCO's instances and captions; or --annotations",
        remotes=(
            Remote(
                _REPOSITORY + SYNONYMS, SYNONYMS, "681041d2958d7871ed6fa69c3108f34aa6a0a354eb53ed4c5a425e65f86bc72a"
            ),
            Remote(_REPOSITORY + QUESTIONS, QUESTIONS, rows=(300,)),
            *Chair.card.remotes[1:],
        ),
        published=(
            Published("response / mention", "LLaVA-1.5 13B", "46.3 / 22.6 %", "RLHF-V, Table 1"),
            Published("response / mention", "RLHF-V 13B", "12.2 / 7.5 %", "RLHF-V, Table 1"),
            Published("response / mention", "GPT-4V", "13.6 / 7.3 %", "RLHF-V, Table 1"),
        ),
    )

    def load(self, setup: Setup) -> list[tuple[int, AnnotatedImage]]:
        """Numbered images with what is true of them. Raises ConfigError where the tagger asked for is not there."""
        if setup.mode == "official":
            choose_tagger(self.nouns)
        vocabulary = _load_vocabulary(setup)
        rows = read_questions(setup) if setup.annotations is None else list(setup.annotations)
        for name in dict.fromkeys(name for row in rows for name in row.objects):
            vocabulary.find_object(name)
        if setup.mode == "official":
            require_captions(rows, self.card.name)
        return list(enumerate(rows))

    def prompt(self, row: tuple[int, AnnotatedImage]) -> Question:
        """A request for a description; the id is the image, and the number its place in the file."""
        number, image = row
        meta = {"question_id": number, **describe_truth(image)}
        return Question(image.image, (image.image,), (Turn("user", image.question),), meta)

    def judge(self, question: Question, reply: Reply, setup: Setup, /) -> Sequence[JudgeCall]:
        """One call; none for an answer without words, in official mode none for one of three words or fewer."""
        text = clean_answer(reply.text, setup.mode)
        if reply.verdicts or len(text.split()) <= (3 if setup.mode == "official" else 0):
            return ()
        values = {"question": question.prompt[-1].text, "answer": text}
        return [JudgeCall(question.id, EXTRACT, values, lambda said: read_names(said, setup.mode))]

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """Mentions, true and made up; an answer whose objects could not be read counts as that alone."""
        if reply.verdicts and reply.verdicts[0].value is None:
            return {"counts": {"unreadable": [1, 1]}, "objects": None}
        names = reply.verdicts[0].value if reply.verdicts else []
        vocabulary = _load_vocabulary(setup)
        if setup.mode == "official":
            named = match_names(names, choose_tagger(self.nouns)[0], vocabulary).named
        else:
            named = find_names(names, vocabulary)
        truth = _find_truth(question, vocabulary, setup.mode)
        return {"extracted": names, **count_objects(named, truth, clean_answer(reply.text, setup.mode), setup.mode)}

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """One result. Official numbers with our own tagger stand under a name that says so."""
        path = choose_tagger(self.nouns)[1] if setup.mode == "official" else "names in what was extracted"
        name = self.card.name + ("-offline" if path == "offline" else "")
        vocabulary = Path(_load_vocabulary(setup).name).name
        return [self.build_result(name, items, self.units, setup, nouns=path, vocabulary=vocabulary)]


_PYTHON_LIST = re.compile(r"""\[(?:\s*(?:'[^'\\\n]*'|"[^"\\\n]*")\s*,?)*\s*\]""")


def read_names(reply: str, mode: Mode) -> list[str]:
    """The names in a judge's reply. Raises ValueError where they cannot be read."""
    names = load_released(reply) if mode == "official" else _find_list(reply)
    names = list(names) if isinstance(names, str | dict) else names  # letters and keys, as released
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("no list of names")
    return names


def load_released(reply: str) -> Any:
    """The JSON value that the released parser takes from a reply. Raises ValueError."""
    try:
        return json.loads(reply)
    except ValueError:
        if '["' not in reply:
            raise
        return json.loads(reply.split("\n")[-1])


def count_objects(named: Collection[tuple[str, str]], truth: set[str], text: str, mode: Mode) -> Item:
    """What of an item the objects named in one answer decide."""
    wrong = [word for word, thing in named if thing not in truth]
    right = {thing for _, thing in named} & truth
    words = len(text.strip().split(" ")) if mode == "official" else len(find_words(text))
    made_up, any_object = int(bool(wrong)), int(bool(named))
    counts = {
        "response_hall": [made_up, any_object],
        "object_hall": [len(wrong), len(named)],
        "recall": [len(right), len(truth)],
        "response_hall_all": [made_up, 1],
        "with_objects": [any_object, 1],
        "words": [words, 1],
        "unreadable": [0, 1],
    }
    objects = [{"word": word, "object": thing, "hallucinated": thing not in truth} for word, thing in named]
    return {"objects": objects, "missing": sorted(truth - right), "counts": counts}


def clean_answer(text: str, mode: Mode) -> str:
    """The answer that is judged; the release cuts "Assistant:" out of it, wherever it stands."""
    return (text.replace("Assistant:", "") if mode == "official" else text).strip()


def _find_list(reply: str) -> list[str] | None:
    """The first list of texts anywhere in a reply, in JSON or as Python writes it."""
    decoder = json.JSONDecoder()
    for start in (i for i, sign in enumerate(reply) if sign == "["):
        try:
            value, _ = decoder.raw_decode(reply, start)
        except ValueError:
            value = _read_python_list(reply[start:])
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return list(value)
    return None


def _read_python_list(text: str) -> Any:
    """The list that a text begins with, in single quotes or with a comma behind the last; None where there is none."""
    found = _PYTHON_LIST.match(text)
    try:
        return ast.literal_eval(found[0]) if found else None
    except (ValueError, SyntaxError):
        return None


def _find_truth(question: Question, vocabulary: Vocabulary, mode: Mode) -> set[str]:
    objects, captions = question.meta["objects"], question.meta["captions"]
    if mode == "strict":
        return build_truth({"": objects}, {"": captions}, vocabulary)[""]
    said = [thing for caption in captions for thing in find_caption_objects(caption, vocabulary)]
    return {vocabulary.find_object(name) for name in objects} | set(said)


def _load_vocabulary(setup: Setup) -> Vocabulary:
    if setup.vocabulary is not None or setup.mode == "strict":
        return read_names_list(setup.vocabulary)
    fix = "`errata bench fetch object_halbench`, or pass the list as --vocabulary, or use strict mode"
    return read_names_list(require_file(setup.data, "object_halbench", SYNONYMS, folders=FOLDERS, fix=fix))
