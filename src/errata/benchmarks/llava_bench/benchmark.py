"""LLaVA-Bench (COCO): answers scored beside those of a text-only GPT-4 (Liu et al. 2023, arXiv 2304.08485).

90 questions about 30 images; captions and boxes describe them to the judge. `llava_bench_wild` has the other set.

LLaVA-Bench (In-the-Wild): 60 questions about 24 images that a caption describes to the judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from errata.benchmarks.llava_bench.score import (
    CATEGORIES,
    UNITS,
    Lineage,
    count_scores,
    read_scores,
    summarise_released,
)
from errata.benchmarks.official_files import Row, find_image, read_rows, require_file
from errata.benchmarks.protocol import Benchmark, Card, Item, Published, Remote, Reply, Setup
from errata.errors import DataError
from errata.judges import JudgeCall, JudgePrompt
from errata.records import BenchmarkResult, Question, Turn

_REVIEW = """\
Two assistants answered a question about an image. You compare their answers. You do not see the image; you get
{described}

Description:
{{context}}
Question:
{{question}}
Answer of assistant 1:
{{reference}}
Answer of assistant 2:
{{answer}}

Score each answer from 1 to 10, higher being better, by how helpful, relevant, accurate and detailed it is. Claims that
the description contradicts count against an answer. Neither the order of the answers nor their length counts by itself.

Write on the first line nothing but the two scores, that of assistant 1 and then that of assistant 2, with a blank
between them. Explain them on the lines below."""
_BOXES = """\
sentences that people wrote about it, and the objects in it with their boxes: left, top, right and bottom edge as shares
of the image's width and height."""
COCO_REVIEW = JudgePrompt("llava_bench_coco-review", 1, _REVIEW.format(described=_BOXES), max_tokens=1024)
WILD_REVIEW = JudgePrompt(
    "llava_bench_wild-review", 1, _REVIEW.format(described="a description of what is in it."), max_tokens=1024
)
_URL = "https://raw.githubusercontent.com/haotian-liu/LLaVA/main/{}"
JUDGED = "1 call per answer, 2 with swap=true; published with gpt-4-0314, AMP with gpt-4-32k-0613"
LICENCE = "Apache-2.0 (questions and answers); {} (images)"
METRICS = "relative score in all and per category, mean scores of both sides, unreadable reviews"
_ASKED = {"question_id": int, "image": str, "text": str, "category": str}


@dataclass(frozen=True)
class LlavaBenchCoco(Benchmark[Question]):
    """Scores beside a reference answer, from captions and boxes.

    Args:
        lineage: Whose release official mode repeats: what a failed review counts, and AMP's instructions, which do not
            say what the boxes mean.
        swap: Review every pair a second time with the answers in the other order. Scores are then means of both orders,
            and `position` is what standing first is worth; without it the reference always stands first, as released.
    """

    lineage: Lineage = "llava"
    swap: bool = False

    units = UNITS
    questions_file: ClassVar[str] = "qa90_questions.jsonl"
    answers_file: ClassVar[str] = "qa90_gpt4_answer.jsonl"
    context_file: ClassVar[str] = "caps_boxes_coco2014_val_80.jsonl"
    rows: ClassVar[int] = 90
    card = Card(
        name="llava_bench_coco",
        title="LLaVA-Bench (COCO)",
        measures="helpfulness of answers about COCO images beside those of a GPT-4 that read captions and boxes",
        paper="Liu et al. 2023, arXiv 2304.08485",
        licence=LICENCE.format("COCO's terms"),
        size="90 questions about 30 images: conversation, detail, complex reasoning",
        metrics=METRICS,
        data="qa90_questions.jsonl, qa90_gpt4_answer.jsonl, caps_boxes_coco2014_val_80.jsonl; COCO's val2014 images",
        judge=JUDGED,
        remotes=(
            Remote(
                _URL.format("playground/data/coco2014_val_qa_eval/qa90_questions.jsonl"),
                "qa90_questions.jsonl",
                "2a77196696b5602b544244ace9aeac21300513be85b5e53eb2414d00cddbe1c7",
                rows=(90,),
            ),
            Remote(
                _URL.format("playground/data/coco2014_val_qa_eval/qa90_gpt4_answer.jsonl"),
                "qa90_gpt4_answer.jsonl",
                "5fd1a760483fb54e62a717a406add8a986f3e03a40d037b5d6515828cc90dbc5",
                rows=(90,),
            ),
            Remote(
                _URL.format("llava/eval/table/caps_boxes_coco2014_val_80.jsonl"),
                "caps_boxes_coco2014_val_80.jsonl",
                "818d3df2b52784699bbdc129b6bc68e035d78ff8f5093c3e2ce5e0f726549b15",
                rows=(80,),
            ),
        ),
        published=(
            Published("conv/detail/complex", "LLaVA-1.5 13B", "81.6/75.5/95.2", "RLHF-V, Table 1", "another judge"),
            Published("conv/detail/complex", "RLHF-V 13B", "93.1/75.3/91.6", "RLHF-V, Table 1", "another judge"),
        ),
    )

    def load(self, setup: Setup) -> list[Question]:
        """The questions, each with its reference answer and the description of its image."""
        path = self._find(setup, self.questions_file)
        rows = read_rows(path, _ASKED, count=(self.rows,))
        answers_path = self._find(setup, self.answers_file)
        references = {row["question_id"]: row for _, row in read_rows(answers_path, {"question_id": int, "text": str})}
        contexts = self._read_contexts(self._find(setup, self.context_file))
        _require_categories([row for _, row in rows], path, cycle=self.rows == 90)
        for where, row in rows:
            _require(where, row["question_id"] in references, f"a reference answer in {answers_path.name}")
            _require(where, row["image"] in contexts, f"its image {row['image']} in {self.context_file}")
        _require(str(path), len({row["question_id"] for _, row in rows}) == len(rows), "each question_id once")
        return [
            self._to_question(row, references[row["question_id"]]["text"], contexts[row["image"]], setup)
            for _, row in rows
        ]

    def prompt(self, row: Question) -> Question:
        """A row is a question already."""
        return row

    def judge(self, question: Question, reply: Reply, setup: Setup, /) -> Sequence[JudgeCall]:
        """One review of both answers in each order."""
        orders = () if reply.verdicts else (False, True)[: 1 + self.swap]
        return [self._review(question, reply.text, setup, swapped=swapped) for swapped in orders]

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """Both scores. Strict mode knows no -1: it leaves failed reviews out, and counts them, in every lineage."""
        lineage: Lineage = "rlhf-v" if setup.mode == "strict" else self.lineage
        return count_scores([one.value for one in reply.verdicts], question.meta["category"], lineage)

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """One result; in official mode its settings hold what the release prints, with its roundings."""
        details = {"released": summarise_released(items)} if setup.mode == "official" else {}
        return [self.build_result(self.card.name, items, self.units, setup, **details)]

    def _find(self, setup: Setup, name: str) -> Path:
        return require_file(setup.data, self.card.name, name, folders=(self.card.name, "llava_bench"))

    def _review(self, question: Question, answer: str, setup: Setup, *, swapped: bool) -> JudgeCall:
        first, second = (answer, question.meta["reference"]) if swapped else (question.meta["reference"], answer)
        values = {"context": question.meta["context"], "question": question.prompt[-1].text}
        values |= {"reference": first, "answer": second}
        name = f"{question.id}-swapped" if swapped else question.id
        order = -1 if swapped else 1
        return JudgeCall(name, self._choose_prompt(setup), values, lambda text: read_scores(text, setup.mode)[::order])

    def _choose_prompt(self, setup: Setup) -> JudgePrompt:
        return WILD_REVIEW if setup.mode == "official" and self.lineage == "amp" else COCO_REVIEW

    def _read_contexts(self, path: Path) -> dict[str, str]:
        rows = read_rows(path, {"image": str, "captions": list, "instances": list})
        return {row["image"]: _describe(row, where) for where, row in rows}

    def _to_question(self, row: Row, reference: str, context: str, setup: Setup) -> Question:
        image = find_image(setup, row["image"], f"COCO_val2014_{row['image']}")
        meta = {"question_id": row["question_id"], "category": row["category"].removeprefix("llava_bench_")}
        meta |= {"image_id": row["image"], "reference": reference, "context": context}
        return Question(f"{self.card.name}-{row['question_id']}", (image,), (Turn("user", row["text"]),), meta)


def _describe(row: Mapping[str, list[object]], where: str) -> str:
    """Captions, a blank line, and `category: box` lines."""
    try:
        boxes = [f"{one['category']}: {one['bbox']}" for one in row["instances"]]  # type: ignore[index]
        return "\n".join([*map(str, row["captions"]), "", *boxes])
    except (KeyError, TypeError):
        fix = "use the released file"
        raise DataError(where, expected="instances with category and bbox", found="others", fix=fix) from None


def _require_categories(rows: Sequence[Row], path: Path, *, cycle: bool) -> None:
    for number, row in enumerate(rows):
        category = row["category"].removeprefix("llava_bench_")
        wanted = CATEGORIES[number % 3 : number % 3 + 1] if cycle else CATEGORIES
        if category not in wanted:
            expected, found = "category " + " or ".join(wanted), f"category {row['category']!r}"
            fix = "use the released file as it is"
            raise DataError(f"{path}: row {number + 1}", expected=expected, found=found, fix=fix)


def _require(where: str, good: bool, expected: str) -> None:
    if not good:
        raise DataError(where, expected=expected, found="none", fix="use the released files of one version")


_WILD_URL = "https://huggingface.co/datasets/liuhaotian/llava-bench-in-the-wild/resolve/main/{}"


@dataclass(frozen=True)
class LlavaBenchWild(LlavaBenchCoco):
    """Scores beside a reference answer, from a caption.

    Args:
        lineage: Whose release official mode repeats: what a failed review counts.
        swap: Review every pair a second time with the answers in the other order.
    """

    questions_file = "questions.jsonl"
    answers_file = "answers_gpt4.jsonl"
    context_file = "context.jsonl"
    rows = 60
    card = Card(
        name="llava_bench_wild",
        title="LLaVA-Bench (In-the-Wild)",
        measures="helpfulness of answers about unusual images beside those of a GPT-4 that read a caption",
        paper="Liu et al. 2023, arXiv 2304.08485",
        licence=LICENCE.format("their owners' terms"),
        size="60 questions about 24 images: conversation, detail, complex reasoning",
        metrics=METRICS,
        data="questions.jsonl, answers_gpt4.jsonl, context.jsonl and images of liuhaotian/llava-bench-in-the-wild",
        judge=JUDGED,
        remotes=tuple(Remote(_WILD_URL.format(name), name) for name in (questions_file, answers_file, context_file)),
        published=(
            Published("LLaVA-W", "LLaVA-1.5 7B", "65.4", "LLaVA, docs/MODEL_ZOO.md", "another judge"),
            Published("LLaVA-W", "LLaVA-1.5 13B", "72.5", "LLaVA, docs/MODEL_ZOO.md", "another judge"),
        ),
    )

    def _choose_prompt(self, _setup: Setup) -> JudgePrompt:
        return WILD_REVIEW

    def _read_contexts(self, path: Path) -> dict[str, str]:
        rows = read_rows(path, {"image": str, "caption": (str, list)})
        return {row["image"]: _join(row["caption"]) for _, row in rows}


def _join(caption: str | list[str]) -> str:
    return caption if isinstance(caption, str) else "\n".join(map(str, caption))
