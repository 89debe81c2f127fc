"""VQAv2: short answers against those of ten people (Goyal et al. 2017, arXiv 1612.00837).

Not about hallucination: helpfulness must not fall while hallucination does.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from errata.benchmarks.card import Card, Published, Remote
from errata.benchmarks.official_files import Row, find_image, read_json, require_file
from errata.benchmarks.protocol import Benchmark, Item, Reply, Setup
from errata.benchmarks.statistics import Unit
from errata.benchmarks.vqa_rule import score_answer
from errata.errors import ConfigError, DataError
from errata.records import Fields, Question, Turn

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
