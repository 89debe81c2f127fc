"""Collect a model's answers on scenes and have them corrected: preference records, as a data team would make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.models import LoadedModel
from errata.pipelines.progress import OnProgress
from errata.records import Record, Response, Turn
from errata.world import (
    DESCRIBE,
    Carelessness,
    Scene,
    build_correction,
    correct_description,
    correct_verdict,
    describe_questions,
    verdict_questions,
)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What an annotation campaign gave: the records, and the counts that a report shows."""

    records: list[Record]
    summary: dict[str, Any]

    def first(self, count: int, seed: int) -> Corrections:
        """A random `count` of the records, the same for the same seed, and larger counts hold smaller ones."""
        order = np.random.default_rng((seed, 6)).permutation(len(self.records))[:count]
        records = [self.records[i] for i in sorted(order)]
        return Corrections(records, self.summary | _count(records))


def collect_corrections(
    loaded: LoadedModel,
    scenes: Sequence[Scene],
    root: Path,
    *,
    seed: int,
    temperature: float,
    care: Carelessness,
    on_progress: OnProgress | None = None,
) -> Corrections:
    """Sample a description and two yes/no answers per scene and correct them.

    Args:
        loaded: The model whose answers are corrected.
        scenes: Scenes whose images lie below `root`.
        root: Also takes the answers; a run that was stopped continues from them.
        seed: Of sampling and of the annotator.
        temperature: Of sampling.
        care: What the annotator overlooks.
        on_progress: Called with (what, answers, questions) while answers come in.
    """
    name = Path(loaded.name).name
    described, asked = describe_questions(scenes), verdict_questions(scenes, seed)
    texts = generate(
        loaded,
        described,
        GenerationSettings(max_tokens=64, batch_size=256, temperature=temperature, seed=seed),
        image_root=root,
        out=root / "answers" / "corrected-descriptions.jsonl",
        on_progress=partial(on_progress, "descriptions to correct") if on_progress else None,
    )
    verdicts = generate(
        loaded,
        asked,
        GenerationSettings(max_tokens=2, batch_size=512, temperature=temperature, seed=seed),
        image_root=root,
        out=root / "answers" / "corrected-verdicts.jsonl",
        on_progress=partial(on_progress, "yes/no answers to correct") if on_progress else None,
    )
    rng = np.random.default_rng((seed, 5))
    by_id = {scene.id: scene for scene in scenes}
    records = []
    for scene, question, answer in zip(scenes, described, texts, strict=True):
        edits = correct_description(scene, answer.text, care, rng)
        records.append(build_correction(question.id, question.images[0], DESCRIBE, answer.text, edits, name))
    for question, answer in zip(asked, verdicts, strict=True):
        scene, category = by_id[question.meta["scene"]], question.meta["category"]
        edits = correct_verdict(scene, category, answer.text, care, rng)
        text = question.prompt[0].text
        records.append(build_correction(question.id, question.images[0], text, answer.text, edits, name))
    kept = [record for record in records if record is not None]
    return Corrections(kept, _summarise(kept, scenes, len(records), care))


def uncorrected(records: Sequence[Record]) -> list[Record]:
    """The model's own texts as if they were right: what the control is trained on."""
    return [
        Record(record.id, record.images, record.prompt, (Response(record.responses[1].turns, level=0),), record.source)
        for record in records
    ]


def _summarise(records: Sequence[Record], scenes: Sequence[Scene], answers: int, care: Carelessness) -> dict[str, Any]:
    stated = {"missed_share": care.missed_share, "mistaken_share": care.mistaken_share}
    return {"images": len(scenes), "answers": answers, **stated, **_count(records)}


def _count(records: Sequence[Record]) -> dict[str, Any]:
    segments = [segment for record in records for segment in record.responses[1].segments]
    return {
        "corrected": len(records),
        "pairs": len(records),
        "yes_no_pairs": sum(record.prompt != (Turn("user", DESCRIBE),) for record in records),
        "segments": len(segments),
        "types": dict(Counter(segment.type for segment in segments).most_common()),
    }
