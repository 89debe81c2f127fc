"""Auto-check on the synthetic world: how far it brings shuffled levels to their true order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from errata.feedback import CheckSettings, Chunker, Encoder, LexicalEncoder, build_chunker, check_levels, kendall_tau
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.judges import find_errors
from errata.models import ModelSettings, load_model
from errata.pipelines.progress import OnProgress
from errata.records import Record, Response, Turn
from errata.world import DESCRIBE, Scene, base_folder, describe, describe_questions, image_name, write_images

EXPERTS = ("large", "medium", "small")
"""Shipped bases, strong to weak."""


@dataclass(frozen=True, slots=True)
class ShuffledSets:
    """Sets in a random order with their truth.

    Attributes:
        records: The truth at level 0; below it the distinct answers of the experts, shuffled, a level each.
        errors: Record id -> answer -> the number of its wrong claims.
        scenes: Scenes that were described.
        without_order: Scenes left out: fewer than two different answers, or all with as many wrong claims.
    """

    records: list[Record]
    errors: dict[str, dict[str, int]]
    scenes: int
    without_order: int


@dataclass(frozen=True, slots=True)
class OrderFound:
    """Mean Kendall's τ-b with the true order over `sets`, of the shuffled levels and of those of auto-check."""

    sets: int
    before: float
    after: float


def build_shuffled_sets(
    scenes: Sequence[Scene],
    root: Path,
    *,
    seed: int = 0,
    temperature: float = 0.0,
    experts: Sequence[str] = EXPERTS,
    on_progress: OnProgress | None = None,
) -> ShuffledSets:
    """Let the shipped bases describe scenes, and shuffle their answers below the true description.

    An answer that is word for word the truth, or another's, cannot stand in a record beside it and is left out.

    Args:
        scenes: Scenes to describe; their images are written below `root`.
        root: Also takes the answers; a run that was stopped continues from them.
        seed: Of the shuffle, and of sampling where the temperature is above 0.
        temperature: Of the experts' answers.
        experts: Names of shipped bases.
        on_progress: Called with (what, answers, questions) while answers come in.
    """
    answers = _describe_by_experts(scenes, root, seed, temperature, experts, on_progress)
    rng = np.random.default_rng((seed, 7))
    records, errors = [], {}
    for number, scene in enumerate(scenes):
        truth = describe(scene)
        texts = {answers[name][number]: name for name in reversed(experts) if answers[name][number] not in (truth, "")}
        wrong = {text: len(find_errors(scene, text).errors) for text in texts}
        if len(set(wrong.values())) < 2:
            continue
        shuffled = [list(texts)[place] for place in rng.permutation(len(texts))]
        below = [
            Response((Turn("assistant", text),), level, model=texts[text]) for level, text in enumerate(shuffled, 1)
        ]
        standard = Response((Turn("assistant", truth),), 0)
        prompt = (Turn("user", DESCRIBE),)
        records.append(Record(scene.id, (image_name(scene),), prompt, (standard, *below), source="errata world"))
        errors[scene.id] = wrong
    return ShuffledSets(records, errors, len(scenes), len(scenes) - len(records))


def _describe_by_experts(
    scenes: Sequence[Scene],
    root: Path,
    seed: int,
    temperature: float,
    experts: Sequence[str],
    on_progress: OnProgress | None,
) -> dict[str, list[str]]:
    write_images(scenes, root)
    settings = GenerationSettings(max_tokens=64, batch_size=256, temperature=temperature, seed=seed)
    answers = {}
    for name in experts:
        found = generate(
            load_model(ModelSettings(name=str(base_folder(name)), device="cpu")),
            describe_questions(scenes),
            settings,
            image_root=root,
            out=root / "answers" / f"expert-{name}.jsonl",
            on_progress=partial(on_progress, f"{name} describes") if on_progress else None,
        )
        answers[name] = [answer.text.strip() for answer in found]
    return answers


def measure_auto_check(
    sets: ShuffledSets,
    settings: CheckSettings | None = None,
    encoder: Encoder | None = None,
    chunker: Chunker | None = None,
) -> OrderFound:
    """Run auto-check over the sets and compare their order, before and after, with the numbers of wrong claims."""
    checked = check_levels(sets.records, encoder or LexicalEncoder(), chunker or build_chunker("own"), settings)
    return OrderFound(len(checked.records), measure_order(sets, sets.records), measure_order(sets, checked.records))


def measure_order(sets: ShuffledSets, records: Sequence[Record]) -> float:
    """Mean Kendall's τ-b of the levels of records, of `sets` or ordered anew, with the numbers of wrong claims."""
    return float(np.mean([_compare(record, sets) for record in records]))


def _compare(record: Record, sets: ShuffledSets) -> float:
    below = record.responses[1:]
    wrong = [sets.errors[record.id][response.text] for response in below]
    tau = kendall_tau([response.level for response in below], wrong)
    return 0.0 if tau is None else tau  # auto-check left all of them equal
