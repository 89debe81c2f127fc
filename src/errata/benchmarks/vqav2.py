"""VQAv2: short answers against those of ten people (Goyal et al. 2017, arXiv 1612.00837).

Not about hallucination: helpfulness must not fall while hallucination does.

VQA accuracy: how many of ten people gave the model's answer, after both were brought to one spelling.

An answer is as good as min(1, n / 3), n being how many of nine people gave it, averaged over the ten who are left out.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from errata.benchmarks.official_files import Row, find_image, read_json, require_file
from errata.benchmarks.protocol import Benchmark, Card, Item, Mode, Published, Remote, Reply, Setup
from errata.benchmarks.statistics import Unit
from errata.errors import ConfigError, DataError
from errata.records import Fields, Question, Turn

_NUMBERS = {"none": 0, "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_NUMBERS |= {"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_ARTICLES = {"a", "an", "the"}
_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_CONTRACTIONS = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've
y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
"""The words that the released code spells with their apostrophes where one of these is missing."""


def score_answer(answer: str, people: Sequence[str], mode: Mode) -> float:
    """The accuracy of one answer.

    Official spells answers anew only where people disagree: where all say "yes", "Yes" and "yes." are wrong. Strict
    always does.

    Args:
        answer: Of the model.
        people: One answer each.
        mode: Whose spelling.
    """
    said, *given = (re.sub("[\n\t]", " ", one).strip() for one in (answer, *people))
    if mode == "strict":
        said, *given = map(_spell, (said, *given))
    elif len(set(given)) > 1:
        said, *given = map(_spell_released, (said, *given))
    return sum(min(1.0, sum(other == said for other in _leave_out(given, i)) / 3) for i in range(len(given))) / len(
        given
    )


def _leave_out(given: Sequence[str], index: int) -> list[str]:
    return [*given[:index], *given[index + 1 :]]


def _spell(text: str) -> str:
    """Lower case, figures for numbers, no articles, apostrophes or marks."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"(?<=\d),(?=\d{3}\b)|['’]", "", text)
    text = re.sub(r"\.(?!\d)|[^\w\s.$%°€£:&#*]|_", " ", text)
    return " ".join(str(_NUMBERS.get(word, word)) for word in text.split() if word not in _ARTICLES)


def _spell_released(text: str) -> str:
    words = [str(_NUMBERS.get(word, word)) for word in _strip_released(text).lower().split()]
    return " ".join(_list_contractions().get(word, word) for word in words if word not in _ARTICLES)


def _strip_released(text: str) -> str:
    """Marks go where a blank is beside one, or a comma between digits anywhere; others become blanks. 32 full stops."""
    out, comma = text, re.search(r"\d,\d", text)
    for mark in _MARKS:
        out = out.replace(mark, "" if comma or f"{mark} " in text or f" {mark}" in text else " ")
    return re.sub(r"\.(?!\d)", "", out, count=int(re.UNICODE))


@cache
def _list_contractions() -> dict[str, str]:
    """Each word with one apostrophe missing -> the word; and the table's one that goes the other way."""
    found = {"somebody'd": "somebodyd"}
    for word in _CONTRACTIONS.split():
        places = [match.start() for match in re.finditer("'", word)]
        found |= {word[:place] + word[place + 1 :]: word for place in places}
    return found


TYPES = {"yes/no": "yes_no", "number": "number", "other": "other"}
_QUESTIONS = "v2_OpenEnded_mscoco_val2014_questions.json"
_ANSWERS = "v2_mscoco_val2014_annotations.json"
_URL = "https://s3.amazonaws.com/cvmlp/vqa/mscoco/vqa/{}"


@dataclass(frozen=True)
class VQAv2(Benchmark[Question]):
    """Accuracy of short answers.

    Args:
        questions: How many to draw, from the seed; None takes all.
        suffix: Ends every question, on a line of its own; "" leaves it out.
    """

    questions: int | None = None
    suffix: str = "Answer the question using a single word or phrase."

    units: ClassVar = {
        "accuracy": Unit("share", "higher"),
        **{f"accuracy_{name}": Unit("share", "higher") for name in TYPES.values()},
    }
    draws: ClassVar[str] = "questions"
    none_is_an_answer: ClassVar[bool] = True
    card = Card(
        name="vqav2",
        title="VQAv2",
        measures="short answers against those of ten people; helpfulness, not hallucination",
        paper="Goyal et al. 2017, arXiv 1612.00837",
        licence="CC BY 4.0 (questions and answers); COCO's terms (images)",
        size="214,354 questions about 40,504 images (val2014)",
        metrics="accuracy, in all and for yes/no, number and other",
        data=f"{_QUESTIONS}, {_ANSWERS} and COCO's val2014 images",
        remotes=(
            Remote(_URL.format("v2_Questions_Val_mscoco.zip"), "v2_Questions_Val_mscoco.zip", members=(_QUESTIONS,)),
            Remote(_URL.format("v2_Annotations_Val_mscoco.zip"), "v2_Annotations_Val_mscoco.zip", members=(_ANSWERS,)),
        ),
        published=(
            Published("VQAv2", "LLaVA-1.5 13B", "80.0", "RLHF-V, Table 1", "another split"),
            Published("VQAv2", "RLHF-V 13B", "80.0", "RLHF-V, Table 1", "another split"),
        ),
    )

    def load(self, setup: Setup) -> list[Question]:
        """The questions with their ten answers, all or a sample."""
        path, answers_path = (require_file(setup.data, self.card.name, name) for name in (_QUESTIONS, _ANSWERS))
        answers = {row["question_id"]: row for row in _read_list(answers_path, "annotations")}
        rows = _read_list(path, "questions")
        if self.questions is not None:
            rows = self._draw(rows, setup.seed)
        return [self._to_question(row, answers, path, setup) for row in rows]

    def prompt(self, row: Question) -> Question:
        """A row is a question already."""
        return row

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """The accuracy, from 0 to 1; a blank answer is wrong."""
        accuracy = score_answer(reply.text, question.meta["answers"], setup.mode)
        kind = TYPES[question.meta["answer_type"]]
        return {"counts": {"accuracy": [accuracy, 1], f"accuracy_{kind}": [accuracy, 1]}, "type": kind}

    def _draw(self, rows: list[Row], seed: int) -> list[Row]:
        assert self.questions is not None
        if not 1 <= self.questions <= len(rows):
            found, fix = f"{self.questions} of {len(rows)}", "ask for less"
            raise ConfigError("vqav2.questions", expected="as many as there are, or fewer", found=found, fix=fix)
        return random.Random(f"{seed}/vqav2").sample(rows, self.questions)

    def _to_question(self, row: Row, answers: dict[int, Row], path: Path, setup: Setup) -> Question:
        where = f"{path}: question {row.get('question_id')}"
        fields = Fields(row, where, "question", fix="use the released file")
        number, image, asked = (
            fields.take(name, kind) for name, kind in (("question_id", int), ("image_id", int), ("question", str))
        )
        given = _take_answers(answers.get(number), where)
        text = f"{asked}\n{self.suffix}" if self.suffix else asked
        name = find_image(setup, f"COCO_val2014_{image:012}.jpg", f"{image:012}.jpg")
        return Question(f"vqav2-{number}", (name,), (Turn("user", text),), {"question_id": number, **given})


def _take_answers(row: Row | None, where: str) -> dict[str, Any]:
    """The answers of people and their type. Raises DataError where there are none that can be used."""
    answers = [one.get("answer") for one in row["answers"]] if row and isinstance(row.get("answers"), list) else []
    if not row or row.get("answer_type") not in TYPES or not answers or not all(isinstance(a, str) for a in answers):
        fix = "use annotations and questions of one release"
        raise DataError(where, expected=f"answers to it in {_ANSWERS}, of a known type", found="none", fix=fix)
    return {"answers": answers, "answer_type": row["answer_type"]}


def _read_list(path: Path, name: str) -> list[Row]:
    rows = read_json(path, dict, "one JSON object").get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "question_id" in row for row in rows):
        fix = "use the released file"
        raise DataError(str(path), expected=f"a list {name!r} with question_id", found="none", fix=fix)
    return list(rows)
