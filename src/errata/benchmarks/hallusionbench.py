"""HallusionBench: yes/no questions about images and their altered twins (Guan et al. 2023, arXiv 2310.14566).

A judge says whether an answer agrees with the right one. A question counts as mastered when it is answered rightly
about every figure (qAcc), a figure when every question about it is (fAcc).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from errata.benchmarks.card import Card, Remote
from errata.benchmarks.official_files import Row, find_image, read_rows, require_file
from errata.benchmarks.protocol import Benchmark, Item, Mode, Reply, Setup
from errata.benchmarks.statistics import Unit
from errata.errors import DataError
from errata.judges import JudgeCall, JudgePrompt
from errata.records import BenchmarkResult, Question, Turn

WRONG, RIGHT, UNCLEAR = 0, 1, 2
_NEGATED = re.compile(r"(?:\bnot|n['’]t|\bneither|\bnor)\b[\s\w]{0,12}\b(?:incorrect|correct|unclear)\b")
_WORDS = {"incorrect": WRONG, "correct": RIGHT, "unclear": UNCLEAR}
_FIELDS = ("category", "subcategory", "visual_input", "set_id", "figure_id", "question_id", "question", "gt_answer")
_GROUPS = {"qAcc": "pair", "fAcc": "figure", "easy": "level", "hard": "level"}

CHECK = JudgePrompt(
    "hallusionbench-check",
    1,
    """\
Compare an answer to a question with the right answer.

Question:
{question}
Right answer:
{reference}
Answer to check:
{answer}

Reply with one word: "correct" if the answer does not conflict with the right one, "incorrect" if it does, "unclear" if
it does not commit itself.""",
    max_tokens=16,
)


@dataclass(frozen=True)
class HallusionBench(Benchmark[Question]):
    """Accuracy per question, per question over all of its figures, and per figure."""

    units: ClassVar = {
        "aAcc": Unit("share", "higher"),
        "qAcc": Unit("share", "higher"),
        "fAcc": Unit("share", "higher"),
        "easy": Unit("share", "higher"),
        "hard": Unit("share", "higher"),
        "unclear": Unit("share", "lower"),
        "unreadable": Unit("share", "lower"),
    }
    card = Card(
        name="hallusionbench",
        title="HallusionBench",
        measures="consistency of yes/no answers over original and altered figures",
        paper="Guan et al. 2023, arXiv 2310.14566",
        licence="BSD-3",
        size="1129 questions about 346 figures; 178 of them come without a figure",
        metrics="aAcc (questions), qAcc (questions over their figures), fAcc (figures), qAcc of easy and hard figures",
        data="HallusionBench.json and the folder hallusion_bench of its images",
        judge="1 call per answer; published with gpt-4",
        remotes=(
            Remote(
                "https://raw.githubusercontent.com/tianyi-lab/HallusionBench/main/HallusionBench.json",
                "HallusionBench.json",
            ),
        ),
    )

    def load(self, setup: Setup) -> list[Question]:
        """The questions; those of supplement figure 0 have no image."""
        path = require_file(setup.data, self.card.name, "HallusionBench.json")
        rows = read_rows(path, {**dict.fromkeys(_FIELDS, (str, int)), "gt_answer_details": str}, count=(1129,))
        return build_questions(rows, setup)

    def prompt(self, row: Question) -> Question:
        """A row is a question already."""
        return row

    def judge(self, question: Question, reply: Reply, setup: Setup, /) -> Sequence[JudgeCall]:
        """One check."""
        if reply.verdicts:
            return ()
        asked, reference = question.prompt[-1].text, question.meta["reference"]
        values = {"question": asked, "reference": reference, "answer": reply.text}
        return (JudgeCall(question.id, CHECK, values, _build_parser(setup.mode)),)

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:  # noqa: ARG002 -- the rule was the judge's
        """Right or wrong; without a figure, "unclear" is right too."""
        found, meta = reply.verdicts[0].value, question.meta
        if found is None:
            counts, right = {"unreadable": [1, 1]}, None
        else:
            right = int(found == RIGHT or (found == UNCLEAR and meta["blind"]))
            counts = {"aAcc": [right, 1], "unclear": [int(found == UNCLEAR), 1], "unreadable": [0, 1]}
        kept = ("pair", "figure", "level", "hard", "blind", "sizes")
        return {"counts": counts, "right": right, **{name: meta[name] for name in kept}}

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """All metrics. The first item of a group carries its share, so that images are drawn with what they say."""
        scored = [{**item, "counts": dict(item["counts"])} for item in items]
        for metric, group in _GROUPS.items():
            for members in _group(scored, metric, group):
                rights = [item["right"] for item in members]
                whole = None not in rights and len(rights) == members[0]["sizes"][group]
                if whole or (setup.mode == "official" and None not in rights):
                    members[0]["counts"][metric] = [int(all(rights)), 1]
        return super().score(scored, setup)


def read_check(reply: str, mode: Mode) -> int:
    """What a judge found: 0 wrong, 1 right, 2 unclear.

    Official is the released rule: "incorrect" anywhere is wrong, also "not incorrect"; else "correct" anywhere is
    right; all else is unclear.

    Raises:
        ValueError: Strict mode, and the reply holds none of the words, two of them, or one that is negated.
    """
    said = reply.lower()
    if mode == "official":
        return WRONG if "incorrect" in said else RIGHT if "correct" in said else UNCLEAR
    found = set(re.findall(r"\b(incorrect|correct|unclear)\b", said))
    if len(found) != 1 or _NEGATED.search(said):
        raise ValueError("not one of correct, incorrect and unclear")
    return _WORDS[found.pop()]


def build_questions(rows: Iterable[tuple[str, Row]], setup: Setup) -> list[Question]:
    """Questions with the groups they belong to. Raises DataError on two rows of one name."""
    found: dict[str, Question] = {}
    for where, row in rows:
        question = _to_question(row, setup)
        if question.id in found:
            fix = "use the released file"
            raise DataError(where, expected="rows that occur once", found=f"{question.id} again", fix=fix)
        found[question.id] = question
    groups = ("pair", "figure", "level")
    sizes = Counter((group, question.meta[group]) for question in found.values() for group in groups)
    for question in found.values():
        question.meta["sizes"] = {group: sizes[group, question.meta[group]] for group in groups}
    return list(found.values())


def _to_question(row: Row, setup: Setup) -> Question:
    kind, part, seen, group, figure, number = (str(row[name]) for name in _FIELDS[:6])
    pair, hard = f"{kind}-{part}-{group}-{number}", seen == "2"
    meta: dict[str, Any] = {
        "pair": pair,
        "figure": f"{kind}-{part}-{group}-{figure}",
        "level": f"{pair}-{'hard' if hard else 'easy'}",
        "hard": hard,
        "blind": kind == "VS" and figure == "0",
        "reference": row["gt_answer_details"],
        "label": {"1": "yes", "0": "no"}.get(str(row["gt_answer"]), ""),
    }
    images: tuple[str, ...] = ()
    if seen != "0":
        path = PurePosixPath(str(row.get("filename") or f"hallusion_bench/{kind}/{part}/{group}_{figure}.png"))
        images = (find_image(setup, str(path), str(PurePosixPath(kind, part, path.name))),)
    name = f"hallusion-{kind}-{part}-{group}-{figure}-{number}"
    return Question(name, images, (Turn("user", str(row["question"])),), meta)


def _group(items: Iterable[Item], metric: str, group: str) -> Iterable[list[Item]]:
    """The items of each group that take part in a metric."""
    found: dict[str, list[Item]] = {}
    for item in items:
        left_out = item["blind"] if metric == "fAcc" else metric != "qAcc" and item["hard"] != (metric == "hard")
        if not left_out:
            found.setdefault(item[group], []).append(item)
    return found.values()


def _build_parser(mode: Mode) -> Callable[[str], int]:
    return lambda text: read_check(text, mode)
