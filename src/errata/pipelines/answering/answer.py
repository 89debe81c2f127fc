"""A model and a file of questions -> a file of answers.

How one of several samples becomes the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from errata.endpoints import ChatClient, EndpointSettings, is_endpoint, parse_endpoint
from errata.errors import ConfigError, DataError
from errata.generation import Answered, Check, GenerationSettings, Normalise, ask_endpoint, repeat_questions
from errata.pipelines.progress import OnProgress, watch
from errata.records import Answer, Question, read_questions
from errata.storage import remove_file
from errata.text import require_plain_question


@dataclass(frozen=True, slots=True)
class BestOf:
    """How one of several samples becomes the answer.

    Args:
        count: Samples of every question; 1 gives rewards and no choice.
        base: The model before alignment, whatever `load_model` takes; None is what an adapter was trained from: the
            adapter that its run began with, else the model under it.
        reward: What picks: "self", by how much likelier the model finds an answer than its base does.
        normalise: By the "length" in tokens, or "none".
    """

    count: int
    base: str | None = None
    reward: Literal["self"] = "self"
    normalise: Normalise = "length"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError("best_of", expected="at least 1", found=str(self.count), fix="change the setting")


def refuse_endpoint(name: str) -> None:
    """Raise ConfigError where a model or base is behind an endpoint: a reward needs what servers do not tell."""
    if is_endpoint(name):
        raise ConfigError(
            "best_of",
            expected="a model and a base that are loaded here: the reward is made of log-probabilities of every token",
            found=f"the endpoint {name!r}",
            fix="name the checkpoint that the server was given",
        )


Ask = Callable[[Sequence[Question], Path], list[Answer]]
"""Questions and the file that their answers are kept in -> the answers there are, in the order of the questions. Some
may fail, which `FILE.failed.jsonl` then names."""


def answer_file(
    model: str,
    questions: str | Path,
    out: str | Path,
    *,
    image_root: str | Path | None = None,
    settings: GenerationSettings | None = None,
    endpoint: EndpointSettings | None = None,
    samples: int = 1,
    best_of: BestOf | None = None,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> Answered:
    """Let a model answer a file of questions; answers that `out` holds already are kept.

    Args:
        model: A checkpoint folder, a PEFT adapter folder, a Hub name, `BASE+ADAPTER` or `openai:MODEL@URL,URL`.
        questions: JSON lines of questions.
        out: The JSON lines of answers, which grow as the run goes on.
        image_root: Where relative image paths start; None is the folder of the questions.
        settings: How answers are drawn.
        endpoint: How hard an endpoint is asked.
        samples: How many answers to each question, under the ids `ID#1`, `ID#2`, … where it is more than one.
        best_of: Answer with the best of several samples; all of them are kept beside `out`.
        fresh: Start over even where `out` holds answers.
        on_progress: Told about every batch, or every answer of an endpoint.

    Returns:
        The answers, and why others are missing: a question whose image does not open, that holds another tool's markup,
        or that the model cannot be asked, costs no other.

    Raises:
        DataError: Questions that cannot be read, or none that can be answered.
        ModelError: A model that cannot be loaded.
        ConfigError: `out` holds the answers of another run, an endpoint is misnamed or lacks its key, or one was to
            answer with the best of several samples.
        StorageError: `out` cannot be written.
    """
    settings = settings or GenerationSettings()
    if best_of is not None and samples != 1:
        fix = "leave samples out: all that the best is chosen of are kept too"
        raise ConfigError("samples", expected="1 beside best_of", found=str(samples), fix=fix)
    asked = repeat_questions(read_questions(questions), samples, settings)
    if not asked:
        raise DataError(str(questions), expected="questions", found="an empty file", fix="write one a line")
    answer = build_answer(
        model, image_root or Path(questions).parent, settings, endpoint, best_of, require_plain_question
    )
    if fresh:
        remove_file(out)
    return answer(asked, Path(out), on_progress)


def build_answerer(
    model: str,
    image_root: str | Path,
    settings: GenerationSettings | None = None,
    on_progress: OnProgress | None = None,
    endpoint: EndpointSettings | None = None,
    best_of: BestOf | None = None,
    check: Check | None = require_plain_question,
) -> Ask:
    """Load a model once, to answer several sets of questions about images below `image_root`.

    A question that `check` refuses has no answer, as one whose image does not open; None asks all as they are.
    Takes every kind of model that `answer_file` takes, and raises what it raises about them.
    """
    answer = build_answer(model, image_root, settings or GenerationSettings(), endpoint, best_of, check)

    def ask(questions: Sequence[Question], out: Path) -> list[Answer]:
        return answer(questions, out, on_progress).answers

    return ask


_Answer = Callable[[Sequence[Question], Path, OnProgress | None], Answered]


def build_answer(
    model: str,
    image_root: str | Path,
    settings: GenerationSettings,
    endpoint: EndpointSettings | None,
    best_of: BestOf | None,
    check: Check | None,
) -> _Answer:
    """What answers questions; for a model that is loaded here, what needs torch is imported here."""
    if best_of is not None:
        refuse_endpoint(model)
        repeat_questions((), best_of.count, settings)  # refuses what cannot be drawn before a model is loaded
    if not is_endpoint(model):
        from errata.pipelines.answering.local_model import answer_best, answer_locally, load_here

        loaded = load_here(model, settings)
        if best_of is not None:
            return answer_best(loaded, best_of, image_root, settings, check)
        return answer_locally(loaded, image_root, settings, check)
    client = ChatClient(parse_endpoint(model), endpoint)

    def answer(questions: Sequence[Question], out: Path, on_progress: OnProgress | None) -> Answered:
        shown = watch(on_progress, out.stem)
        return ask_endpoint(client, questions, settings, image_root=image_root, out=out, on_progress=shown, check=check)

    return answer
