"""POPE: yes/no questions about objects that are and are not in the image (Li et al. 2023, arXiv 2305.10355).

The three official COCO files of either vintage, or three sets built from any annotated images.

POPE's question files: JSON lines (or one array) of `{question_id, image, text, label}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from errata.benchmarks.answers import GivenAnswer
from errata.benchmarks.official_files import read_places
from errata.benchmarks.pope.build import SETTINGS, Setting, build_pope
from errata.benchmarks.pope.score import count_answer, list_units
from errata.benchmarks.protocol import Benchmark, Card, Item, Mode, Published, Remote, Reply, Setup
from errata.benchmarks.statistics import RESAMPLES, Combined, describe_combined, estimate
from errata.errors import ConfigError, DataError, count_noun
from errata.records import BenchmarkResult, Question, Turn
from errata.storage import write_json_lines

Vintage = Literal["old", "new", "other"]

_OBJECT = re.compile(r"\ban? (.+?)(?: in (?:the|this) im\w+)?\?")


def read_pope(path: str | Path, *, setting: str | None = None) -> list[Question]:
    """Read a question file of either vintage.

    Args:
        path: JSON lines, or one JSON array.
        setting: random, popular or adversarial; without it the row's `category`, else the one in the file's name.

    Returns:
        Questions with ids `pope-<setting>-<question_id>` and `meta` `{label, object, setting, question_id, vintage}`.

    Raises:
        DataError: `file:line` of a row without one of the fields or with another label; a question_id that repeats.
    """
    path = Path(path)
    named = setting or next((name for name in SETTINGS if name in path.stem), "")
    rows = [(where, _check_row(row, where)) for where, row in read_places(path)]
    vintage = find_vintage([row["text"] for _, row in rows])
    questions: dict[str, Question] = {}
    for where, row in rows:
        question = _to_question(row, setting or row.get("category", "") or named, vintage)
        if question.id in questions:
            raise DataError(where, expected="ids that occur once", found=f"{row['question_id']} again", fix="renumber")
        questions[question.id] = question
    return list(questions.values())


def write_pope(path: str | Path, questions: Iterable[Question]) -> None:
    """Write questions of one setting in the official form, numbered from 1 unless they carry their `question_id`."""
    rows = []
    for number, question in enumerate(questions, 1):
        identity = {"question_id": question.meta.get("question_id", number), "image": question.images[0]}
        rows.append({**identity, "text": question.prompt[-1].text, "label": question.meta["label"]})
    write_json_lines(path, rows)


def find_vintage(texts: Sequence[str]) -> Vintage:
    """Which COCO release a file is of.

    "old" (used by LLaVA, LLaVA-RLHF and AMP) spells vowel questions "imange" and has 2910 random questions; "new" has
    3000 and no such spelling. Numbers from the two are not comparable.
    """
    if any("imange" in text for text in texts):
        return "old"
    return "new" if len(texts) == 3000 else "other"


def _check_row(row: Any, where: str) -> dict[str, Any]:
    fields = {"question_id": int, "image": str, "text": str, "label": str}
    bad = [name for name, kind in fields.items() if not isinstance(row, dict) or not isinstance(row.get(name), kind)]
    if bad:
        raise DataError(where, expected=", ".join(fields), found=f"no usable {bad[0]!r}", fix="use an official file")
    if row["label"] not in ("yes", "no"):
        raise DataError(where, expected="label yes or no", found=f"label {row['label']!r}", fix="fix the row")
    return dict(row)


def _to_question(row: dict[str, Any], setting: str, vintage: Vintage) -> Question:
    asked = _OBJECT.search(row["text"])
    meta = {"label": row["label"], "object": asked.group(1) if asked else "", "setting": setting}
    identity = {"question_id": row["question_id"], "vintage": vintage}
    name = "-".join(filter(None, ("pope", setting, str(row["question_id"]))))
    return Question(name, (row["image"],), (Turn("user", row["text"]),), {**meta, **identity})


_URL = "https://raw.githubusercontent.com/RUCAIBox/POPE/main/output/coco/coco_pope_{}.json"
_SHA256 = {
    "random": "ac25245170b975a5bdf9080b23fd431dfe6be458bc038259c1f4f09a6bef7994",
    "popular": "72c1a8ad45d0c13514f5f22598261df41d3b533854d29682e924db50ed8aa753",
    "adversarial": "420b3407db1fa9f1187a805dca41cb7b97fd91504e6c2179706188c107fb8ef8",
}
ROWS = {"random": (3000, 2910), "popular": (3000,), "adversarial": (3000,)}
"""Per setting; the older vintage of the random file has 2910."""
_ZOO = "LLaVA, docs/MODEL_ZOO.md"
_BUILT = (
    "score with what the set was built with: --annotations, --seed, pope.images, pope.questions_per_image, pope.build"
)
_MEAN = "mean F1 of the three settings, old vintage (2910 random questions), official answer rule"


@dataclass(frozen=True)
class Pope(Benchmark[Question]):
    """Yes/no questions about objects.

    Args:
        settings: Which of random, popular and adversarial.
        source: Begins the names of the official files: coco, aokvqa or gqa.
        questions_per_image: Of sets that are built; half are "yes", and images with fewer objects are left out.
        images: Of sets that are built, how many images to draw; None takes all.
        build: Whose rules sets are built by.
    """

    settings: tuple[Setting, ...] = SETTINGS
    source: str = "coco"
    questions_per_image: int = 6
    images: int | None = None
    build: Mode = "strict"

    draws: ClassVar[str] = "images"
    card = Card(
        name="pope",
        title="POPE",
        measures="yes/no questions about objects, absent ones random, popular and adversarial",
        paper="Li et al. 2023, arXiv 2305.10355",
        licence="MIT (questions); COCO's terms (images)",
        size="3 x 3000 questions about 500 images of COCO val2014; or built from any annotated images",
        metrics="accuracy, precision, recall, F1, share of yes per setting; mean F1; strict: answers without a verdict",
        data="coco_pope_{random,popular,adversarial}.json and COCO's val2014 images; or --annotations",
        remotes=tuple(Remote(_URL.format(s), f"coco_pope_{s}.json", _SHA256[s], ROWS[s]) for s in SETTINGS),
        published=(
            Published("POPE", "LLaVA-1.5 7B", "85.9", _ZOO, _MEAN),
            Published("POPE", "LLaVA-1.5 13B", "85.9", _ZOO, _MEAN),
        ),
    )

    def load(self, setup: Setup) -> list[Question]:
        """Official questions, or those built from annotations."""
        if setup.annotations is None:
            self._refuse_options()
            return [question for setting in self.settings for question in self._read(setting, setup.data)]
        objects = {image.image: image.objects for image in setup.annotations}
        build = partial(
            build_pope,
            objects,
            questions_per_image=self.questions_per_image,
            num_images=self.images,
            seed=setup.seed,
            mode=self.build,
        )
        return [question for setting in self.settings for question in build(setting)]

    def prompt(self, row: Question) -> Question:
        """A row is a question already."""
        return row

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """Yes, no, or in strict mode unknown, against the label."""
        return count_answer(question, reply.text, setup.mode)

    def adopt(self, given: Sequence[GivenAnswer], /) -> list[Question] | None:
        """lmms-eval and VLMEvalKit write question, label and setting beside each answer."""
        rows = [_adopt(answer) for answer in given]
        return [row for row in rows if row is not None] if all(rows) else None

    def advise_strangers(self, setup: Setup, /) -> str:
        """Numbers mean other questions in another list or vintage, and in a set that is built from other images."""
        if setup.annotations is not None:
            return f"the questions depend on the images drawn: {_BUILT}"
        return "name the question file whose numbers they have with --questions, and check vintage and category"

    def refuse_images(self, given: Sequence[GivenAnswer], setup: Setup, /) -> None:
        """Ids number the questions of the set that was built: another set has other questions under the same ids."""
        bare = next((answer for answer in given if not (answer.image and answer.prompt)), None)
        if setup.annotations is not None and bare is not None:
            raise DataError(
                bare.where,
                expected="image and question in each row, for POPE on the images of the answer file",
                found="no more than a number of a set that was built",
                fix=f"add both, or leave out --images-of-answers and {_BUILT}",
            )

    def advise_missing(self, questions: Sequence[Question], answered: Set[str], /) -> str:
        """A file may answer some of the settings."""
        found = list(dict.fromkeys(str(one.meta["setting"]) for one in questions if one.id in answered))
        return (
            f'score these alone with "pope.settings=[{",".join(found)}]"' if 0 < len(found) < len(self.settings) else ""
        )

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """A result per setting, and their mean where there are several (the one number that LLaVA prints)."""
        parts = {setting: [item for item in items if item["setting"] == setting] for setting in self.settings}
        vintages = {item["vintage"] for item in items if "vintage" in item}
        details = {"vintage": ", ".join(sorted(vintages)) or "built"}
        results = [
            self.build_result(f"pope-{setting}", part, list_units(setup.mode), setup, **details)
            for setting, part in parts.items()
        ]
        return results + ([_average(parts, setup)] if len(parts) > 1 else [])

    def _refuse_options(self) -> None:
        """Official sets are as long as they are."""
        if self.images is not None:
            fix = "leave it out, or build a set from --annotations"
            raise ConfigError("pope.images", expected="a set that is built", found="the official files", fix=fix)

    def _read(self, setting: Setting, data: Path | None) -> list[Question]:
        found = sorted((data or Path()).glob(f"{self.source}_pope*_{setting}.json*")) if data else []
        if not found:
            name = f"{self.source}_pope_{setting}.json"
            fix = "`errata bench fetch pope`, or --data DIR with the official files, or --annotations"
            raise DataError(
                f"{data or 'pope'}: {name}", expected="an official file", found="no such file", fix=fix, code="file"
            )
        questions = read_pope(found[0], setting=setting)
        if len(questions) not in ROWS[setting]:
            expected = " or ".join(map(str, ROWS[setting])) + " rows"
            fix = "fetch it again; a set of your own is scored with --annotations"
            raise DataError(str(found[0]), expected=expected, found=count_noun(len(questions), "row"), fix=fix)
        return questions


def _adopt(answer: GivenAnswer) -> Question | None:
    """The question of a row that says all about it; without an image's name each question is an image of its own."""
    label = answer.label.strip().casefold()
    if not (answer.number and answer.prompt and answer.category in SETTINGS and label in ("yes", "no")):
        return None
    meta = {"label": label, "setting": answer.category, "question_id": answer.number, "vintage": "of the answer file"}
    turn = Turn("user", answer.prompt.splitlines()[0])
    images = (answer.image,) if answer.image else ()
    return Question(f"pope-{answer.category}-{answer.number}", images, (turn,), meta)


def _average(parts: dict[Setting, list[Item]], setup: Setup) -> BenchmarkResult:
    """Mean accuracy and F1 of the settings, with the images drawn together."""
    names = [(metric, setting) for metric in ("f1", "accuracy") for setting in parts]
    units = {f"{metric}_{setting}": list_units(setup.mode)[metric] for metric, setting in names}
    items = [
        {
            "id": item["id"],
            "image": item["image"],
            "counts": {f"{m}_{setting}": item["counts"][m] for m in ("f1", "accuracy")},
        }
        for setting, part in parts.items()
        for item in part
    ]
    combined = {
        f"{metric}_mean": Combined({f"{metric}_{setting}": 1 / len(parts) for setting in parts}, better="higher")
        for metric in ("f1", "accuracy")
    }
    metrics = estimate(items, units, combined=combined)
    settings = {"combined": describe_combined(combined), "resamples": RESAMPLES, "seed": 0}
    shown = {name: metrics[name] for name in combined}
    return BenchmarkResult("pope", setup.mode, setup.model, shown, items, settings)
