"""Benchmarks and a model -> questions, answers, scores: a result folder that can be continued.

The folder holds `settings.json`, `questions/*.jsonl`, `answers/*.jsonl` and `results.json`, which `errata report`
renders and `errata compare` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from errata.benchmarks import (
    Setup,
    build_benchmarks,
    require_images,
)
from errata.generation import read_failures
from errata.judges import Judge
from errata.pipelines.answering.answer import Ask, build_answerer
from errata.pipelines.evaluate.judging import open_judge
from errata.pipelines.evaluate.measuring import Measured, measure_answers
from errata.pipelines.evaluate.results import build_results, check_folder, list_quotable
from errata.pipelines.evaluate.settings import Evaluation, EvaluationSettings, build_setups, load_questions
from errata.pipelines.progress import OnProgress
from errata.records import Question, write_questions
from errata.storage import write_document, write_text
from errata.text import require_plain_question


def evaluate(
    settings: EvaluationSettings,
    out: str | Path,
    *,
    fresh: bool = False,
    ask: Ask | None = None,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Measure a model; answers that the folder holds already, and verdicts that the cache holds, are kept.

    Args:
        settings: What is measured.
        out: The result folder.
        fresh: Start over even where the folder holds answers.
        ask: Answers questions in place of the model, in tests.
        on_progress: Told about every batch of answers, and about verdicts.

    Raises:
        ConfigError: An unknown benchmark or option, a judge that is needed and not named or lacks its key, or a folder
            with the results of other settings.
        DataError: Data that cannot be used, a question with another tool's markup, or an image that does not open.
        ModelError: A model or a judge that cannot be loaded.
    """
    out = Path(out)
    benchmarks = build_benchmarks(settings.benchmarks, settings.options)
    judge = open_judge(benchmarks, settings.judge)
    setups = build_setups(settings, benchmarks, settings.model, settings.generation.seed)
    asked = {one.card.name: load_questions(one, setups[one.card.name]) for one in benchmarks}
    for name, questions in asked.items():
        require_images(questions, setups[name].image_root or Path())
    stated = check_folder(out, settings, list(asked), fresh=fresh)
    answerers = _Answerers(settings, ask, on_progress)
    measured = {}
    for benchmark in benchmarks:
        name = benchmark.card.name
        reply = answerers.find(setups[name].image_root or Path())
        write_questions(out / "questions" / f"{name}.jsonl", asked[name])
        write_text(out / "settings.json", json.dumps(stated, ensure_ascii=False, indent=1) + "\n")
        path = out / "answers" / f"{name}.jsonl"
        answers = reply(asked[name], path)
        measured[name] = measure_answers(
            benchmark, asked[name], answers, setups[name], judge, on_progress, read_failures(path)
        )
    return write_evaluation(measured, asked, setups, stated, out, judge)


def write_evaluation(
    measured: Mapping[str, Measured],
    asked: Mapping[str, Sequence[Question]],
    setups: Mapping[str, Setup],
    stated: dict[str, Any],
    out: Path,
    judge: Judge | None = None,
) -> Evaluation:
    """Write `results.json`. Raises StorageError."""
    content = build_results(measured, asked, setups, stated, out)
    write_document(out / "results.json", content)
    results = [result for one in measured.values() for result in one.results]
    coverage = {name: one.coverage for name, one in measured.items()}
    judges = {name: one.judge for name, one in measured.items() if one.judge}
    asked_now, recalled = (judge.asked, judge.recalled) if judge else (0, 0)
    return Evaluation(results, coverage, asked_now, recalled, judges, list_quotable(measured, setups))


class _Answerers:
    """The model, loaded when it is first needed and again only for images in another folder."""

    def __init__(self, settings: EvaluationSettings, ask: Ask | None, on_progress: OnProgress | None) -> None:
        self._settings, self._ask, self._on_progress = settings, ask, on_progress
        self._root: Path | None = None

    def find(self, root: Path) -> Ask:
        """What answers questions about images below `root`."""
        if self._ask is None or (self._root is not None and self._root != root):
            settings = self._settings
            official = settings.mode == "official" and settings.annotations is None  # asked as they are
            self._ask = build_answerer(
                settings.model,
                root,
                settings.generation,
                self._on_progress,
                endpoint=settings.endpoint,
                best_of=settings.best_of,
                check=None if official else require_plain_question,
            )
            self._root = root
        return self._ask
