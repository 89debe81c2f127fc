"""Answers -> claims -> verdicts: who takes answers apart, who looks at the picture, and what became of every answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.errors import DataError
from errata.feedback.claims.labels import read_label
from errata.feedback.claims.pairs import ClaimVerdict, JudgedResponse
from errata.feedback.claims.split import Split, ToSplit, build_split_call
from errata.images import resolve_image
from errata.judges import Judge, JudgeCall, JudgePrompt, Sample, Verdict, summarise
from errata.records import Answer, Missing, Question
from errata.text import require_plain_question, split_reasoning

NO_PICTURE = "no picture to look at"
NEITHER = "a verdict that is neither yes nor no"
Splitter = Callable[[Sequence[ToSplit]], list[Split]]
"""Answers to what they state, in their order."""
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Candidates:
    """A question and the answers to it that are compared; `unanswered` says why there are none, where that is known."""

    question: Question
    answers: tuple[Answer, ...]
    unanswered: str = ""


@dataclass(frozen=True, slots=True)
class Labeller:
    """A judge that says yes or no to questions about pictures.

    Args:
        judge: Who replies.
        prompt: With the one slot `question`.
        suffix: Put behind every question.
    """

    judge: Judge
    prompt: JudgePrompt
    suffix: str = ""

    def build_call(self, name: str, question: str, images: tuple[Path, ...]) -> JudgeCall:
        """What is asked about one claim."""
        return JudgeCall(name, self.prompt, {"question": question + self.suffix}, read_label, images)


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """An answer and what became of it.

    Attributes:
        prompt_id: The question's.
        answer: As it was given.
        split: What it states; None where it was not taken apart.
        response: With its verdicts; None where there is a problem.
        problem: Why it cannot be in a pair, in words that many answers share.
        detail: What was found in this one.
        failed: It should have verdicts and has none: it could not be shown to anybody, or `reply` is the problem.
        reply: Of splitter or labeller, where it is missing or cannot be read.
    """

    prompt_id: str
    answer: Answer
    split: Split | None = None
    response: JudgedResponse | None = None
    problem: str = ""
    detail: str = ""
    failed: bool = False
    reply: Sample | None = None


@dataclass(slots=True)
class Judging:
    """All answers in the order of the candidates, and what is to be said about the replies of both judges."""

    answers: list[JudgedAnswer]
    labeller: dict[str, Any] = field(default_factory=dict)
    splitter: dict[str, Any] = field(default_factory=dict)


def judge_claims(
    candidates: Sequence[Candidates],
    splitter: Splitter,
    labeller: Labeller,
    image_root: str | Path,
    on_progress: OnProgress | None = None,
) -> Judging:
    """Take every answer apart and let the labeller look at each claim. An answer's problem costs no other answer.

    Args:
        candidates: With ids of answers that occur once.
        splitter: Who takes answers apart.
        labeller: Who looks.
        image_root: Where image paths start.
        on_progress: Called with (verdicts so far, verdicts in all).

    Raises:
        As `Judge.ask`.
    """
    found = [_open(each, answer, image_root) for each in candidates for answer in _mark_repeated(each.answers)]
    questions = {each.question.id: each.question for each in candidates}
    whole = [n for n, one in enumerate(found) if not one.problem]
    asked = [
        ToSplit(found[n].answer.id, questions[found[n].prompt_id].prompt[-1].text, found[n].answer.text) for n in whole
    ]
    splits = splitter(asked)
    for n, split in zip(whole, splits, strict=True):
        found[n] = _take_split(found[n], split)
    judging = _label(found, questions, labeller, Path(image_root), on_progress)
    judging.splitter = _describe_splits(asked, splits)
    return judging


def list_unjudged(judging: Judging) -> list[Missing]:
    """The answers that should have claims and verdicts and have none, and why."""
    return [
        Missing(one.answer.id, one.problem, one.detail)
        if one.reply is None
        else Missing(one.answer.id, one.problem, one.reply.cause or one.reply.reason, one.reply.remedy)
        for one in judging.answers
        if one.failed
    ]


def build_label_calls(
    answer: JudgedAnswer, question: Question, labeller: Labeller, image_root: Path
) -> list[JudgeCall]:
    """One call for each claim of an answer; none of one with a problem."""
    if answer.problem or answer.split is None:
        return []
    images = tuple(resolve_image(image, image_root) for image in question.images)
    name = answer.answer.id
    return [
        labeller.build_call(f"{name}/{number}", claim.question, images)
        for number, claim in enumerate(answer.split.claims)
    ]


def _mark_repeated(answers: Sequence[Answer]) -> list[tuple[Answer, str]]:
    """Every answer with the id of an earlier one of equal text, or nothing."""
    first: dict[str, str] = {}
    marked = []
    for answer in answers:
        marked.append((answer, first.get(answer.text.strip(), "")))
        first.setdefault(answer.text.strip(), answer.id)
    return marked


def _open(candidates: Candidates, marked: tuple[Answer, str], image_root: str | Path) -> JudgedAnswer:
    """The answer, with a problem where it cannot be taken apart."""
    question, (answer, twin) = candidates.question, marked
    problem, detail = find_obstacle(question, image_root)
    failed = bool(problem)
    if not failed:
        problem, detail = _find_problem(answer, twin)
    return JudgedAnswer(question.id, answer, problem=problem, detail=detail, failed=failed)


def _find_problem(answer: Answer, twin: str) -> tuple[str, str]:
    """Why an answer itself cannot be in a pair, and what was found; `twin` is an earlier one of the same text."""
    if answer.earlier:
        return "an answer in several turns", f"{len(answer.rounds)} turns"
    if not split_reasoning(answer.text).finished:
        return "thoughts that never end", ""
    if not answer.text.strip():
        return "an empty answer", ""
    return ("the text of another answer", twin) if twin else ("", "")


def find_obstacle(question: Question, image_root: str | Path) -> tuple[str, str]:
    """Why a question's answers cannot be judged, in words that many share, and what was found; empty if they can."""
    try:
        require_plain_question(question)
    except DataError as error:
        return "another tool's markup in the question", str(error)
    lost = find_lost_image(question.images, image_root) if question.images else "the question has no image"
    return (NO_PICTURE, lost) if lost else ("", "")


def find_lost_image(images: Sequence[str], image_root: str | Path) -> str:
    """Which of some images is not there, or leads out of their folder; empty if none."""
    try:
        lost = [image for image in images if not resolve_image(image, image_root).is_file()]
    except DataError as error:
        return str(error)
    return f"{lost[0]}: no such file below {image_root}" if lost else ""


def _take_split(one: JudgedAnswer, split: Split) -> JudgedAnswer:
    said = split.verdict
    reply = None if said is None or said.status == "read" else said.samples[0]
    return JudgedAnswer(one.prompt_id, one.answer, split, None, split.problem, split.detail, reply is not None, reply)


def _describe_splits(asked: Sequence[ToSplit], splits: Sequence[Split]) -> dict[str, Any]:
    """What is to be said about a judge's replies; nothing of a rule's."""
    said = [
        (build_split_call(item), split.verdict)
        for item, split in zip(asked, splits, strict=True)
        if split.verdict is not None
    ]
    return summarise(*zip(*said, strict=True)) if said else {}


def _label(
    found: list[JudgedAnswer],
    questions: dict[str, Question],
    labeller: Labeller,
    image_root: Path,
    on_progress: OnProgress | None,
) -> Judging:
    calls = [build_label_calls(one, questions[one.prompt_id], labeller, image_root) for one in found]
    flat = [call for some in calls for call in some]
    verdicts = labeller.judge.ask(flat, on_progress)
    rest = iter(verdicts)
    judged = [_take_verdicts(one, [next(rest) for _ in some]) for one, some in zip(found, calls, strict=True)]
    return Judging(judged, _describe_verdicts(flat, verdicts) if flat else {})


def _take_verdicts(one: JudgedAnswer, verdicts: Sequence[Verdict]) -> JudgedAnswer:
    """The answer with its verdicts, or with the problem that one of them is not there."""
    if one.problem or one.split is None:
        return one
    lost = next((verdict.samples[0] for verdict in verdicts if verdict.status != "read"), None)
    if lost is not None:
        problem = "a claim without a verdict" if lost.status == "missing" else NEITHER
        return JudgedAnswer(one.prompt_id, one.answer, one.split, None, problem, lost.reason, True, lost)
    claims = tuple(
        ClaimVerdict(claim.claim, claim.question, verdict.value["p_yes"], verdict.value["p_no"])
        for claim, verdict in zip(one.split.claims, verdicts, strict=True)
    )
    response = JudgedResponse(one.answer.id, one.answer.text, claims, len(one.split.claims))
    return JudgedAnswer(one.prompt_id, one.answer, one.split, response)


def _describe_verdicts(calls: Sequence[JudgeCall], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    values = [verdict.value for verdict in verdicts if verdict.status == "read"]
    return summarise(calls, verdicts) | {
        "from_probabilities": sum(value["from"] == "probabilities" for value in values),
        "from_words": sum(value["from"] == "words" for value in values),
        "mostly_neither": sum(value["p_yes"] + value["p_no"] < 0.5 for value in values),
    }
