"""Studies whose conditions differ in the records: K levels, auto-checked levels, corrections."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from errata.errors import ConfigError
from errata.feedback import (
    AgreementSettings,
    CheckSettings,
    Expert,
    LevelSettings,
    LexicalEncoder,
    build_chunker,
    build_levels,
    check_levels,
)
from errata.models import ModelSettings, load_model
from errata.pipelines.study.ground import Ground
from errata.pipelines.study.settings import Condition, WorldStudy
from errata.pipelines.world.auto_check import build_shuffled_sets, measure_order
from errata.records import Record, Response, Turn
from errata.world import Scene, describe, describe_questions


def measure_levels(study: WorldStudy, condition: Condition, ground: Ground, name: str) -> dict[str, float]:
    """Train on the truth above one answer of each expert."""
    records = build_sets(condition.experts, ground.sample_collected(study.scenes), ground)
    if condition.sets is not None:
        _require(len(records), condition.sets, "sets", study, name)
        records = random.Random(ground.seed).sample(records, condition.sets)
    counts = {"sets": float(len(records)), "responses": sum(len(r.responses) for r in records) / max(len(records), 1)}
    return _train_and_measure(condition, ground, name, records) | counts


def build_sets(experts: Sequence[str], scenes: Sequence[Scene], ground: Ground) -> list[Record]:
    """Sets of K levels, as `errata feedback experts` makes them."""
    standards = [
        Record(q.id, q.images, q.prompt, (Response((Turn("assistant", describe(scene)),), 0, model="truth"),))
        for q, scene in zip(describe_questions(scenes), scenes, strict=True)
    ]
    asked = [
        Expert(expert, {answer.id: answer for answer in ground.describe(expert, scenes)}, {}) for expert in experts
    ]
    return build_levels("meg", standards, asked, LevelSettings()).records


def measure_auto_check(study: WorldStudy, condition: Condition, ground: Ground, name: str) -> dict[str, float]:
    """Train on sets in their true order, in a shuffled one, or in the one that auto-check made of it."""
    scenes = ground.sample_collected(study.scenes)
    sets = build_shuffled_sets(
        scenes,
        ground.root,
        seed=ground.seed,
        temperature=condition.temperature,
        experts=condition.experts,
        on_progress=ground.on_progress,
    )
    records = sets.records
    if condition.order == "checked":
        settings = CheckSettings(AgreementSettings(measure=condition.agreement))
        records = check_levels(records, LexicalEncoder(), build_chunker("own"), settings).records
    elif condition.order == "true":
        records = [_sort_truly(record, sets.errors[record.id]) for record in records]
    tau = measure_order(sets, records)
    return _train_and_measure(condition, ground, name, records) | {"sets": float(len(records)), "kendall_tau": tau}


def _sort_truly(record: Record, errors: dict[str, int]) -> Record:
    """The responses below the truth by the number of their wrong claims, equal ones at one level."""
    below = sorted(record.responses[1:], key=lambda response: errors[response.text])
    ranks = {count: rank for rank, count in enumerate(sorted({errors[response.text] for response in below}), 1)}
    responses = (record.responses[0], *(replace(one, level=ranks[errors[one.text]]) for one in below))
    return replace(record, responses=responses)


def measure_corrections(study: WorldStudy, condition: Condition, ground: Ground, name: str) -> dict[str, float]:
    """Train on so many corrections of an annotator's; each condition's are among those of larger ones."""
    corrections = ground.collect_corrections(study.scenes)
    if condition.corrections is not None:
        _require(len(corrections.records), condition.corrections, "corrections", study, name)
        corrections = corrections.first(condition.corrections, ground.seed)
    return _train_and_measure(condition, ground, name, corrections.records) | {"pairs": float(len(corrections.records))}


def _require(found: int, wanted: int, what: str, study: WorldStudy, name: str) -> None:
    """Raise ConfigError where the scenes do not give as many records as a condition wants."""
    if found < wanted:
        where = f"{found} from {study.scenes} scenes"
        raise ConfigError(name, expected=f"{wanted} {what}", found=where, fix="raise scenes")


def _train_and_measure(condition: Condition, ground: Ground, name: str, records: Sequence[Record]) -> dict[str, float]:
    model = ground.train(name, condition.recipe, records, condition.train)
    return ground.measure(name, load_model(ModelSettings(str(model), device="cpu")))
