"""HallusionBench: yes/no questions about images and their altered twins (Guan et al. 2023, arXiv 2310.14566).

A judge says whether an answer agrees with the right one. A question counts as mastered when it is answered rightly
about every figure (qAcc), a figure when every question about it is (fAcc).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from errata.benchmarks.answers import name_figure
from errata.benchmarks.hallusionbench.rule import (
    CAUSES,
    CHECK,
    RIGHT,
    SAME,
    UNCLEAR,
    count_causes,
    count_yes,
    read_check,
    read_same,
)
from errata.benchmarks.official_files import Row, find_image, read_rows, require_file
from errata.benchmarks.protocol import Benchmark, Card, Item, Mode, Remote, Reply, Setup
from errata.benchmarks.statistics import Unit
from errata.errors import DataError
from errata.judges import JudgeCall
from errata.records import BenchmarkResult, Question, Turn
from errata.text import is_refusal

_FIELDS = ("category", "subcategory", "visual_input", "set_id", "figure_id", "question_id", "question", "gt_answer")
_GROUPS = {"qAcc": "pair", "fAcc": "figure", "easy": "level", "hard": "level"}
_SHARE = Unit("share", "higher")


@dataclass(frozen=True)
class HallusionBench(Benchmark[Question]):
    """Accuracy per question, per question over all of its figures, and per figure."""

    units: ClassVar = {
        **dict.fromkeys(("aAcc", *_GROUPS), _SHARE),
        "figures_inconsistent": Unit("share", "lower"),
        "figures_wrong": Unit("share", "lower"),
        **dict.fromkeys(CAUSES, Unit("share")),
        "yes_bias": Unit("share"),
        "wrong_yes": Unit("share"),
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
        metrics="aAcc (questions), qAcc (questions over their figures), fAcc (figures), qAcc of easy and hard figures; "
        "errors of language, vision or either; bias towards yes",
        data="HallusionBench.json and the folder hallusion_bench of its images",
        judge="1 call per answer, a second for most wrong ones; published with gpt-4",
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
        """One check; of a wrong answer, also whether it repeats what was said of the original figure.

        In strict mode nobody is asked about a refusal: it commits itself to nothing.
        """
        if _declines(reply, setup.mode):
            return ()
        if reply.verdicts:
            return self._compare(question, reply, setup.mode)
        asked, reference = question.prompt[-1].text, question.meta["reference"]
        values = {"question": asked, "reference": reference, "answer": reply.text}
        return (JudgeCall(question.id, CHECK, values, lambda text: read_check(text, setup.mode)),)

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """Right or wrong; without a figure, "unclear" is right too."""
        found, meta = UNCLEAR if _declines(reply, setup.mode) else reply.verdicts[0].value, question.meta
        same = reply.verdicts[1].value if len(reply.verdicts) > 1 else None
        counts: dict[str, list[int]] = {"unreadable": [int(any(one.value is None for one in reply.verdicts)), 1]}
        right = None
        if found is not None:
            right = int(found == RIGHT or (found == UNCLEAR and meta["blind"]))
            counts |= {"aAcc": [right, 1], "unclear": [int(found == UNCLEAR), 1]}
            counts |= count_yes(right, meta["label"], found, setup.mode)
        kept = ("pair", "figure", "level", "hard", "blind", "visual", "beside", "sizes")
        return {"counts": counts, "right": right, "found": found, "same": same, **{name: meta[name] for name in kept}}

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """All metrics. The first item of a group carries its share, so that images are drawn with what they say."""
        scored = [{**item, "counts": dict(item["counts"])} for item in items]
        for metric, group in _GROUPS.items():
            for members in _group(scored, metric, group):
                rights = [item["right"] for item in members]
                whole = None not in rights and len(rights) == members[0]["sizes"][group]
                if whole or (setup.mode == "official" and None not in rights):
                    members[0]["counts"] |= _count_group(metric, rights)
        for item, counts in zip(scored, count_causes(scored), strict=True):
            item["counts"] |= counts
        return super().score(scored, setup)

    def _compare(self, question: Question, reply: Reply, mode: Mode) -> Sequence[JudgeCall]:
        """The second call. Of an answer about the original, or one that is not wrong, nothing follows from it."""
        first = reply.verdicts[0]
        judged = first.status == "read" and first.value not in (RIGHT, UNCLEAR)
        if reply.beside is None or not judged or len(reply.verdicts) > 1:
            return ()
        values = {"answer": reply.text, "original": reply.beside.text}
        return (JudgeCall(f"{question.id}-same", SAME, values, lambda text: read_same(text, mode)),)


def _declines(reply: Reply, mode: Mode) -> bool:
    return mode == "strict" and (is_refusal(reply.text) or not reply.text.strip())


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
        "visual": kind == "VD",
        "beside": None if figure == "0" else name_figure({**row, "figure_id": "0"}),
        "reference": row["gt_answer_details"],
        "label": {"1": "yes", "0": "no"}.get(str(row["gt_answer"]), ""),
    }
    images: tuple[str, ...] = ()
    if seen != "0":
        path = PurePosixPath(str(row.get("filename") or f"hallusion_bench/{kind}/{part}/{group}_{figure}.png"))
        images = (find_image(setup, str(path), str(PurePosixPath(kind, part, path.name))),)
    return Question(name_figure(row), images, (Turn("user", str(row["question"])),), meta)


def _count_group(metric: str, rights: Sequence[int]) -> dict[str, list[int]]:
    """The share of a group; figures are also wrong in all or in some of their questions."""
    counts = {metric: [int(all(rights)), 1]}
    if metric == "fAcc":
        counts["figures_wrong"] = [int(not any(rights)), 1]
        counts["figures_inconsistent"] = [int(any(rights) and not all(rights)), 1]
    return counts


def _group(items: Iterable[Item], metric: str, group: str) -> Iterable[list[Item]]:
    """The items of each group that take part in a metric."""
    found: dict[str, list[Item]] = {}
    for item in items:
        left_out = item["blind"] if metric == "fAcc" else metric != "qAcc" and item["hard"] != (metric == "hard")
        if not left_out:
            found.setdefault(item[group], []).append(item)
    return found.values()
