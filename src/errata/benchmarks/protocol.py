"""What a benchmark is: load, prompt, parse, score.

A benchmark is one class in one file, named in `table.BENCHMARKS`. Its fields are its options, which `errata eval`
takes as `name.option=value`. It runs no model: whoever asks the model calls `load` and `prompt` before, and `parse` and
`score` after.

What people want to know of a benchmark before they run it, and numbers that others published.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from errata.benchmarks.annotations import AnnotatedImage
from errata.benchmarks.answers import STRANGERS, GivenAnswer
from errata.benchmarks.statistics import RESAMPLES, Unit, estimate
from errata.config import dump_settings
from errata.judges import JudgeCall, Sample
from errata.records import Answer, BenchmarkResult, Question


@dataclass(frozen=True, slots=True)
class Remote:
    """A file at its official address.

    Attributes:
        url: Where it is published.
        name: What it is called in the data folder.
        sha256: Of the bytes that were tested; None where no copy was held, then the first fetch records it.
        rows: How many rows are right; empty where rows are not its form.
        members: Of a zip archive, the files to keep; they lie beside one another under their own names.
    """

    url: str
    name: str
    sha256: str | None = None
    rows: tuple[int, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A number as its source prints it, to be quoted beside ours and never ranked with them.

    Attributes:
        metric: What the source calls it.
        model: Of whom.
        value: As printed, with its unit.
        source: Where it stands.
        note: What makes it incomparable with ours, or that it was read second-hand.
    """

    metric: str
    model: str
    value: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A benchmark in words.

    Attributes:
        name: On the command line and in file names.
        title: In print.
        measures: One line.
        paper: Who, when, where.
        licence: Of its data.
        size: How many questions about how many images.
        metrics: What is printed.
        judge: Which judge it needs and how many calls an answer takes; empty where it needs none.
        data: What must be at hand and how to get it.
        remotes: What `errata bench fetch` brings.
        published: Numbers to quote.
    """

    name: str
    title: str
    measures: str
    paper: str
    licence: str
    size: str
    metrics: str
    data: str
    judge: str = ""
    remotes: tuple[Remote, ...] = ()
    published: tuple[Published, ...] = ()


Mode = Literal["official", "strict"]
Item = dict[str, Any]
Row = TypeVar("Row")
ANSWERED = "--images-of-answers"
"""The option that takes the images that a file answers for the whole set."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What every benchmark is told beside its own options.

    Attributes:
        mode: Whose reading of answers: the released code's with its bugs, or the fixed one.
        data: The folder of the benchmark's official files; None where there is none.
        annotations: Images whose objects are known, to build questions from instead of the official ones.
        vocabulary: A file of object names; None is the benchmark's own choice.
        seed: Of everything drawn.
        model: Name for the results.
        image_root: Where image paths start, for a judge that sees images.
    """

    mode: Mode = "strict"
    data: Path | None = None
    annotations: Sequence[AnnotatedImage] | None = None
    vocabulary: Path | None = None
    seed: int = 0
    model: str = ""
    image_root: Path | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what a judge said about it: one verdict per call of `judge`, in their order, none without a judge.

    A verdict is `read` or `unreadable` here: an answer whose verdict is missing is not parsed but counted as missing.

    Attributes:
        answer: Of the model.
        verdicts: So far.
        beside: For `judge` alone, the answer to the question whose id stands in `meta["beside"]`; None without one.
    """

    answer: Answer
    verdicts: tuple[Sample, ...] = ()
    beside: Answer | None = None

    @property
    def text(self) -> str:
        """The answer, to the last round where there are several."""
        return self.answer.text


class Benchmark(ABC, Generic[Row]):
    """One benchmark. Subclasses are frozen dataclasses of their options and can be built without an argument.

    Attributes:
        card: What it is, for people.
        units: Metric name -> how it is printed, in the order of the table; every item counts for some of them.
        draws: Of its options, that which draws a sample; empty where none does.
        none_is_an_answer: Whether "None" may be what a model said; else it is what a failed call left.
    """

    card: ClassVar[Card]
    units: ClassVar[Mapping[str, Unit]]
    draws: ClassVar[str] = ""
    none_is_an_answer: ClassVar[bool] = False

    @abstractmethod
    def load(self, setup: Setup) -> Sequence[Row]:
        """The rows, from `setup.annotations` where they are given and can be used, else from `setup.data`.

        Raises:
            DataError: A file that is missing or has the wrong number of rows, or a row that cannot be used.
        """

    @abstractmethod
    def prompt(self, row: Row) -> Question:
        """What the model is asked about a row; `meta` holds what `parse` needs to know of it."""

    @abstractmethod
    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:
        """What a reply says: `counts[metric] = [numerator, denominator]`, and whatever helps to understand them."""

    def judge(self, _question: Question, _reply: Reply, _setup: Setup, /) -> Sequence[JudgeCall]:
        """The next calls of a judge; none where the verdicts so far are enough, as without a judge.

        It is called again with the verdicts on the calls before, so that a call may depend on an earlier reply; where
        the judge is asked several times, on the first. Ids occur once within the benchmark. A dry run hands in verdicts
        that are read and have no value: then the most calls that may follow are wanted.
        """
        return ()

    def adopt(self, _given: Sequence[GivenAnswer], /) -> list[Question] | None:
        """The questions that an answer file of another harness holds itself; None where it does not hold all of them.

        It is asked for only where there are no official files and no annotations.
        """
        return None

    def advise_strangers(self, _setup: Setup, /) -> str:
        """What to do where answers are about none of the questions."""
        if self.draws and getattr(self, self.draws) is not None:
            name = f"{self.card.name}.{self.draws}"
            return f"{name} drew others: leave it out, and take the images of the answer file with {ANSWERED}"
        return STRANGERS

    def refuse_images(self, _given: Sequence[GivenAnswer], _setup: Setup, /) -> None:
        """Raise DataError where these answers cannot say which images they are about."""

    def advise_missing(self, _questions: Sequence[Question], _answered: Set[str], /) -> str:
        """A way out that only this benchmark has where questions have no answer; empty where there is none."""
        return ""

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """The metrics of all items, here in one result."""
        return [self.build_result(self.card.name, items, self.units, setup)]

    def build_result(
        self, name: str, items: Sequence[Item], units: Mapping[str, Unit], setup: Setup, **details: Any
    ) -> BenchmarkResult:
        """A result of `items`, with the options and `details` in its settings."""
        settings = {**dump_settings(self), **details, "resamples": RESAMPLES, "seed": 0}
        return BenchmarkResult(name, setup.mode, setup.model, estimate(items, units), list(items), settings)


def build_item(benchmark: Benchmark[Any], question: Question, reply: Reply, setup: Setup) -> Item:
    """What `parse` found, with the item's id, its image (the unit of the bootstrap), the text and the verdicts."""
    image = question.images[0] if question.images else question.id
    known = {"id": question.id, "image": image, "text": reply.text}
    said = [{"status": sample.status, "value": sample.value, "raw": sample.raw} for sample in reply.verdicts]
    return known | benchmark.parse(question, reply, setup) | ({"verdicts": said} if said else {})
