"""Several samples of every question, and the one that the model's own reward picks as its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from errata.feedback.local import SelfReward
from errata.generation import AnswerFile, Check, GenerationSettings, OnAnswers, OnFailure, choose_best, repeat_questions
from errata.generation.local import describe_run, generate
from errata.models import PROMPTING, LoadedModel, ModelSettings, PixelCache, load_model
from errata.pipelines.answering.answer import BestOf, refuse_endpoint
from errata.records import Answer, Question
from errata.storage import remove_file
from errata.training import find_start

SCORED_AT_A_TIME = 32
"""Questions whose images are in memory together, and whose rewards a kill can cost."""


class BestAnswerer:
    """A model that answers with the best of its samples.

    Args:
        loaded: The aligned model.
        best_of: How it chooses; its base is loaded here, if it is another model.
        settings: How samples are drawn.
        image_root: Where image paths start.
        check: As of `generate`.

    Raises:
        ConfigError: A model without adapter and without base, or an endpoint as base.
        ModelError: A base that cannot be loaded, or that reads texts or images otherwise.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        best_of: BestOf,
        settings: GenerationSettings,
        image_root: str | Path,
        check: Check | None = None,
    ) -> None:
        self._loaded, self._best_of, self._settings, self._check = loaded, best_of, settings, check
        self._pixels = PixelCache(loaded.adapter, image_root)
        self._base = _load_base(loaded, best_of.base or find_start(loaded.name))
        self._reward = SelfReward(loaded, self._base, best_of.normalise)

    def answer(
        self,
        questions: Sequence[Question],
        out: Path,
        on_samples: OnAnswers | None = None,
        on_rewards: OnAnswers | None = None,
        on_failure: OnFailure | None = None,
    ) -> list[Answer]:
        """One answer a question, in `out`; all samples in `OUT.samples.jsonl`. What either holds is not made again.

        Args:
            questions: With ids that occur once.
            out: JSON lines that grow as samples are chosen.
            on_samples: Told about every batch of samples.
            on_rewards: Told about every few questions whose samples were scored.
            on_failure: As of `generate`; a question of which a sample failed is left out.

        Raises:
            DataError: As `generate`.
            ConfigError: `out` holds answers of another run.
            StorageError: `out` cannot be written.
        """
        samples = out.with_name(f"{out.name}.samples.jsonl")
        asked = repeat_questions(questions, self._best_of.count, self._settings)
        started = out.exists()
        store = AnswerFile(out, self._describe(questions))
        if not started:  # samples of a file that was removed are not those of this run
            remove_file(samples)
            store.append([])
        failed: dict[str, Exception] = {}
        drawn = generate(
            self._loaded,
            asked,
            self._settings,
            out=samples,
            pixels=self._pixels,
            on_progress=on_samples,
            on_failure=None if on_failure is None else failed.setdefault,
            check=self._check,
        )
        known, count = {answer.id: answer for answer in drawn}, self._best_of.count
        groups: dict[str, list[Answer]] = {}
        for number, question in enumerate(questions):
            names = [one.id for one in asked[number * count : (number + 1) * count]]
            bad = next((name for name in names if name not in known), None)
            if bad is None:
                groups[question.id] = [known[name] for name in names]
            elif on_failure is not None:
                on_failure(question.id, failed[bad])
        left = [question for question in questions if question.id in groups]
        self._choose(left, groups, store, on_rewards or _ignore)
        store.put_in_order(question.id for question in left)
        return [store.answers[question.id] for question in left]

    def _choose(
        self, questions: Sequence[Question], groups: dict[str, list[Answer]], store: AnswerFile, on_rewards: OnAnswers
    ) -> None:
        """Score and choose where `store` has no answer yet."""
        waiting = [question for question in questions if question.id not in store.answers]
        on_rewards(len(store.answers), len(questions), 0)
        for start in range(0, len(waiting), SCORED_AT_A_TIME):
            chunk = waiting[start : start + SCORED_AT_A_TIME]
            candidates = [groups[question.id] for question in chunk]
            rewards = self._reward.score(chunk, candidates, self._pixels)
            store.append([_pick(*each) for each in zip(chunk, candidates, rewards, strict=True)])
            on_rewards(len(store.answers), len(questions), 0)

    def _describe(self, questions: Sequence[Question]) -> dict[str, Any]:
        """What the answers depend on. Under `settings`: a run without a choice among samples is told apart by it."""
        run = describe_run(self._loaded, questions, self._settings)
        chosen = asdict(self._best_of)
        if self._base is not None:
            chosen["base_weights"] = describe_run(self._base, (), self._settings)["weights"]
        return run | {"settings": run["settings"] | {"best_of": chosen}}


def _ignore(done: int, total: int, tokens: int) -> None:
    """Nobody watches."""


def _pick(question: Question, candidates: Sequence[Answer], rewards: Sequence[float | None]) -> Answer:
    """The best sample under the question's id."""
    number = choose_best(rewards)
    best = candidates[number]
    meta = {name: value for name, value in best.meta.items() if name != "sample_of"}
    meta |= {"best_of": len(candidates), "sample": number + 1, "reward": rewards[number], "rewards": list(rewards)}
    return Answer(question.id, best.text, best.model, best.finished, meta, best.earlier)


def _load_base(loaded: LoadedModel, base: str | None) -> LoadedModel | None:
    """The base, prompted as the model is; None where it is the one under the model's adapter."""
    if base is None or base == _name_below(loaded):
        return None
    refuse_endpoint(base)
    own = loaded.adapter.settings
    return load_model(replace(ModelSettings(base), **{name: getattr(own, name) for name in PROMPTING}))


def _name_below(loaded: LoadedModel) -> str | None:
    """What the model under an adapter was loaded from; None of a model without adapter."""
    if not hasattr(loaded.model, "disable_adapter"):
        return None
    return str(loaded.model.get_base_model().config._name_or_path)
