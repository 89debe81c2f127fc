"""MHumanEval: hallucinated segments that people mark in 146 answers (RLHF-V, Yu et al. 2023, arXiv 2312.00849).

`errata eval` asks the questions, `errata bench job` writes the answers for people to mark, and `errata score` with
`mhumaneval.marks` gives the rates. No released code counts them: both modes are one.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from errata.benchmarks.mhumaneval.marks import (
    MARK_TYPES,
    MarkedResponse,
    compute_kappa,
    count_marks,
    list_seen,
    read_marks,
)
from errata.benchmarks.mmhal import read_questions
from errata.benchmarks.object_halbench import read_row
from errata.benchmarks.official_files import read_rows, require_file
from errata.benchmarks.protocol import Benchmark, Card, Item, Published, Remote, Reply, Setup
from errata.benchmarks.statistics import Unit
from errata.errors import DataError
from errata.records import BenchmarkResult, Question, Turn

OBJECT = "obj_halbench_mhumaneval_data_with_image.jsonl"
MMHAL = "mmhal-bench_answer_template.json"
_FOLDERS = ("mhumaneval", "object_halbench")
_FIX = "`errata bench fetch mhumaneval`, or --data DIR with the official files, or mhumaneval.part=mmhal"
_URL = "https://raw.githubusercontent.com/RLHF-V/{}/main/eval/data/{}"
_KINDS = ("all", *MARK_TYPES)
UNITS = {**{kind: Unit("share", "lower") for kind in _KINDS}, "marked": Unit("share", "neither")}
_SEVERAL = {"agreement": Unit("share", "neither"), "overlap": Unit("share", "neither")}


@dataclass(frozen=True)
class MHumanEval(Benchmark[Question]):
    """Answers that people mark.

    Args:
        part: The 50 descriptions of Object HalBench, the 96 answers of MMHal-Bench, or both.
        marks: Files of marks, one a person.
    """

    part: Literal["all", "object", "mmhal"] = "all"
    marks: tuple[str, ...] = ()

    units = UNITS
    card = Card(
        name="mhumaneval",
        title="MHumanEval",
        measures="hallucinated segments that people mark, by type",
        paper="Yu et al. 2023 (RLHF-V), arXiv 2312.00849",
        licence="COCO's terms and Apache-2.0 (MMHal-Bench)",
        size="146 questions: 50 of Object HalBench, 96 of MMHal-Bench; or any annotated images",
        metrics="share of answers with a marked segment, of all types and of each; agreement of two people",
        data=f"{OBJECT} (RLAIF-V), {MMHAL} and the images; marks made by people",
        remotes=(
            Remote(_URL.format("RLAIF-V", OBJECT), OBJECT, rows=(50,)),
            Remote(_URL.format("RLHF-V", MMHAL), MMHAL),
        ),
        published=(
            Published("object / position / number / all", "LLaVA-1.5 13B", "30.8 / 17.8 / 17.1 / 61.0 %", "RLHF-V"),
            Published("object / position / number / all", "RLHF-V 13B", "21.9 / 7.5 / 14.4 / 55.5 %", "RLHF-V"),
        ),
    )

    def load(self, setup: Setup) -> list[Question]:
        """The questions, of annotated images or the official ones. Raises DataError for marks of something else."""
        if setup.annotations is not None:
            found = [_ask(f"mhumaneval-{one.image}", one.image, one.question, "own") for one in setup.annotations]
        else:
            found = _read_descriptions(setup) if self.part != "mmhal" else []
            found += _read_mmhal(setup) if self.part != "object" else []
        known = {question.id for question in found}
        for path in self.marks:
            unknown = next((one for key, one in _read(path).items() if key not in known), None)
            if unknown is not None:
                fix = "check that the marks are of this benchmark and part"
                raise DataError(unknown.where, expected="marks of its answers", found="those of another id", fix=fix)
        return found

    def prompt(self, row: Question) -> Question:
        """A row is a question already."""
        return row

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """What each person marked. Raises DataError where it was marked in another answer."""
        del setup
        marked = {path: _read(path)[question.id] for path in self.marks if question.id in _read(path)}
        for one in marked.values():
            if one.response != reply.text:
                fix = "score the answers that the job was written from"
                found = f"another answer to {question.id!r}"
                raise DataError(one.where, expected="marks of this answer", found=found, fix=fix)
        marks = {path: [asdict(mark) for mark in one.marks] for path, one in marked.items() if one.marks is not None}
        counts = count_marks(list(marked.values()), _KINDS)
        return {"part": question.meta["part"], "marks": marks, "counts": counts}

    def advise_missing(self, questions: Sequence[Question], answered: Set[str], /) -> str:
        """People may answer one of the two sets."""
        parts = {question.meta["part"] for question in questions if question.id in answered} & {"object", "mmhal"}
        alone = next(iter(parts)) if self.part == "all" and len(parts) == 1 else ""
        return f"score this part alone with mhumaneval.part={alone}" if alone else ""

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """One result; with several people also how far they agree."""
        details: dict[str, Any] = {"part": sorted({item["part"] for item in items})}
        if len(self.marks) < 2:
            return [self.build_result(self.card.name, items, self.units, setup, **details)]
        seen: dict[str, dict[str, bool]] = {}
        for person, key, marked in list_seen(items):
            seen.setdefault(person, {})[key] = marked
        units = {**self.units, **_SEVERAL}
        return [self.build_result(self.card.name, items, units, setup, kappa=compute_kappa(seen), **details)]


def _read(path: str) -> dict[str, MarkedResponse]:
    """A file of marks, read again when it has changed."""
    try:
        changed = Path(path).stat().st_mtime_ns
    except OSError as error:
        raise DataError(
            path, expected="a file of marks", found=str(error.strerror), fix="check the path", code="file"
        ) from None
    return _read_version(path, changed)


@lru_cache(maxsize=8)
def _read_version(path: str, _: int) -> dict[str, MarkedResponse]:
    return read_marks(path)


def _ask(name: str, image: str, text: str, part: str) -> Question:
    return Question(name, (image,), (Turn("user", text),), {"part": part})


def _read_descriptions(setup: Setup) -> list[Question]:
    path = require_file(setup.data, "mhumaneval", OBJECT, folders=_FOLDERS, fix=_FIX)
    rows = [read_row(row, where, setup) for where, row in read_rows(path, {}, count=(50,))]
    return [_ask(f"mhumaneval-object-{key}", row.image, row.question, "object") for key, row in rows]


def _read_mmhal(setup: Setup) -> list[Question]:
    """MMHal-Bench's questions under their own images, so that one folder of pictures serves both benchmarks."""
    found = enumerate(read_questions(setup, _FIX))
    return [_ask(f"mhumaneval-mmhal-{n:02d}", one.images[0], one.prompt[-1].text, "mmhal") for n, one in found]
