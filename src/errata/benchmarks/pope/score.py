"""POPE: yes/no questions about objects that are and are not in the image (Li et al. 2023, arXiv 2305.10355).

`mode="official"` reads answers as the released evaluation does, where whatever has no "no" or "not" in its first
sentence is a yes; `mode="strict"` looks for the verdict and calls an answer without one, such as a refusal, `unknown`:
wrong, and counted.

What an answer to a yes/no question says, as the released POPE evaluation reads it and as we do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from errata.benchmarks.answers import align_answers
from errata.benchmarks.protocol import Mode
from errata.benchmarks.statistics import RESAMPLES, Unit, estimate
from errata.errors import ConfigError, DataError
from errata.records import Answer, BenchmarkResult, Question
from errata.text import read_yes_no, strip_reasoning


def read_verdict(answer: str, mode: Mode, question: str = "") -> Literal["yes", "no", "unknown"]:
    """What an answer says; official mode knows no `unknown`, and strict mode reads sentences beside the question."""
    return _read_officially(answer) if mode == "official" else read_yes_no(answer, question)


def _read_officially(answer: str) -> Literal["yes", "no"]:
    words = answer.split(".")[0].replace(",", "").split(" ")
    return "no" if {"No", "no", "not"} & set(words) else "yes"


UNITS = {
    "accuracy": Unit("share", "higher"),
    "precision": Unit("share", "higher"),
    "recall": Unit("share", "higher"),
    "f1": Unit("share", "higher"),
    "yes_share": Unit("share", "neither"),
}


def score_pope(
    questions: Sequence[Question],
    answers: Sequence[Answer],
    *,
    mode: Mode = "strict",
    allow_missing: bool = False,
    model: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BenchmarkResult:
    """Score answers to yes/no questions; "yes" is the positive class.

    Metrics: `accuracy`, `precision`, `recall`, `f1`, `yes_share`, and in strict mode `unknown_share`. An unknown answer
    is wrong; it is a missed object where "yes" was right, and never a claim.

    Args:
        questions: With `meta["label"]`; of one setting, or of several to be scored together.
        answers: One per question, in any order.
        mode: Whose reading of answers.
        allow_missing: Score the questions that have an answer; the rest is counted in the settings.
        model: Name for the result.
        resamples: Bootstrap samples; images are drawn.
        seed: Of the bootstrap.

    Raises:
        DataError: Missing, unknown or repeated ids; in strict mode a label that is neither yes nor no.
        ConfigError: A mode that does not exist.
    """
    if mode not in ("official", "strict"):
        raise ConfigError("mode", expected="official or strict", found=f"{mode!r}", fix="choose one of them")
    settings = sorted({str(question.meta.get("setting", "")) for question in questions} - {""})
    name = f"pope-{settings[0]}" if len(settings) == 1 else "pope"
    joined = align_answers((q.id for q in questions), answers, where=name, allow_missing=allow_missing)
    items = [count_answer(q, strip_reasoning(joined[q.id].text), mode) for q in questions if q.id in joined]
    metrics = estimate(items, list_units(mode), resamples=resamples, seed=seed)
    details = {"settings": settings, "missing": len(questions) - len(items), "resamples": resamples, "seed": seed}
    return BenchmarkResult(name, mode, model or next((a.model for a in answers), ""), metrics, items, details)


def score_pope_settings(
    questions: Sequence[Question], answers: Sequence[Answer], **options: Any
) -> dict[str, BenchmarkResult]:
    """`score_pope` for each setting among the questions; setting -> result. Takes the same options."""
    joined = align_answers(
        (q.id for q in questions), answers, where="pope", allow_missing=options.get("allow_missing", False)
    )
    results = {}
    for setting in dict.fromkeys(str(question.meta.get("setting", "")) for question in questions):
        part = [question for question in questions if str(question.meta.get("setting", "")) == setting]
        results[setting] = score_pope(part, [joined[q.id] for q in part if q.id in joined], **options)
    return results


def list_units(mode: Mode) -> dict[str, Unit]:
    """The metrics of a mode; official mode knows no `unknown`."""
    return {**UNITS, "unknown_share": Unit("share", "lower")} if mode == "strict" else UNITS


def count_answer(question: Question, text: str, mode: Mode) -> dict[str, Any]:
    """The item of one answer. Raises DataError in strict mode for a label that is neither yes nor no."""
    label, said = str(question.meta.get("label")), read_verdict(text, mode, question.prompt[-1].text)
    if mode == "strict" and label not in ("yes", "no"):
        found = f"label {label!r}"
        raise DataError(f"question {question.id}", expected="label yes or no", found=found, fix="fix the question file")
    positive, claimed = label != "no", said == "yes"  # the released code takes any other label for a yes
    right = positive == claimed and said != "unknown"
    hit = int(positive and claimed)
    counts = {
        "accuracy": [int(right), 1],
        "precision": [hit, int(claimed)],
        "recall": [hit, int(positive)],
        "f1": [2 * hit, int(claimed) + int(positive)],  # 2 TP / (2 TP + FP + FN)
        "yes_share": [int(claimed), 1],
        "unknown_share": [int(said == "unknown"), 1],
    }
    image = question.images[0] if question.images else question.id
    details: dict[str, Any] = {
        key: question.meta[key] for key in ("object", "setting", "vintage") if key in question.meta
    }
    verdict = {"text": text, "label": label, "said": said, "right": right}
    return {
        "id": question.id,
        "image": image,
        "question": question.prompt[-1].text,
        **details,
        **verdict,
        "counts": counts,
    }
