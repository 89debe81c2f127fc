"""Prompts with standard answers, and models of different strength -> records of K levels, resumable model by model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from errata.data.shaping import RecordFile, require_folder
from errata.endpoints import EndpointSettings, is_endpoint, parse_endpoint
from errata.errors import DataError
from errata.feedback import Expert, Feedback, LevelSettings, build_levels, list_questions, require_levels
from errata.generation import GenerationSettings
from errata.pipelines.answering.answer import answer_file
from errata.pipelines.progress import OnProgress
from errata.records import Record, write_questions
from errata.text import find_spoken


@dataclass(frozen=True, slots=True)
class Asking:
    """How experts are asked, and what is done with answers that cannot be used."""

    generation: GenerationSettings = field(default_factory=GenerationSettings)
    endpoint: EndpointSettings | None = None
    levels: LevelSettings = field(default_factory=LevelSettings)


def collect_expert_levels(
    source: RecordFile,
    models: Sequence[str],
    out: str | Path,
    asking: Asking | None = None,
    *,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> Feedback:
    """AMP's multi-size expert generation: one answer of each model below the standard answer.

    Args:
        source: Records; the first response of each is its standard answer.
        models: Strong to weak, each what `answer_file` takes.
        out: A folder; `out`/answers holds the answers of each model, and what is there is not asked again.
        asking: How.
        fresh: Ask again.
        on_progress: Told about every batch of answers.

    Raises:
        ConfigError: Too few or too many models, one twice, or answers in `out` that were drawn with other settings.
        DataError: No records, records that cannot be read, or `out` is their folder.
        ModelError: A model that cannot be loaded; the answers of those before it are kept.
    """
    named = [_name_model(model) for model in models]
    asking = asking or Asking()
    require_levels(named, "models")
    asking.levels.require_fits(1 + len(named))
    require_folder(out, source)
    records = read_prompts(source)
    experts = ask_experts(
        records, dict(zip(named, models, strict=True)), source.root, Path(out), asking, fresh, on_progress
    )
    return finish_levels("meg", records, experts, asking)


def finish_levels(method: str, records: Sequence[Record], experts: Sequence[Expert], asking: Asking) -> Feedback:
    """The records of what the experts said; settings name how they were asked."""
    feedback = build_levels(method, records, experts, asking.levels)
    feedback.settings["generation"] = asdict(asking.generation)
    return feedback


def read_prompts(source: RecordFile) -> list[Record]:
    """All records. Raises DataError where there is none."""
    records = list(source.read())
    if not records:
        raise DataError(
            str(source.path), expected="records with a standard answer", found="an empty file", fix="check the path"
        )
    return records


def ask_experts(
    records: Sequence[Record],
    models: Mapping[str, str],
    root: Path,
    out: Path,
    asking: Asking,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Expert]:
    """Ask one model after another; only one is loaded at a time. Raises as `answer_file`.

    A model's thoughts are no part of its answer; where they did not end, it is empty.

    Args:
        records: The prompts.
        models: By the name that an expert gets, in their order.
        root: Where image paths start.
        out: Takes questions.jsonl and the answers of each under answers/.
        asking: How.
        fresh: Ask again.
        on_progress: Told about every batch of answers.
    """
    questions = out / "questions.jsonl"
    write_questions(questions, list_questions(records))
    experts = []
    for name, model in models.items():
        answered = answer_file(
            model,
            questions,
            out / "answers" / name_answers(name),
            image_root=root,
            settings=asking.generation,
            endpoint=asking.endpoint,
            fresh=fresh,
            on_progress=on_progress,
        )
        said = {answer.id: find_spoken(answer).answer for answer in answered.answers}
        experts.append(Expert(name, said, answered.missing))
    return experts


def name_answers(expert: str) -> str:
    """A file name that says which expert's answers it holds; a digest tells long names apart that end alike."""
    words = re.sub(r"[^A-Za-z0-9_+-]+", "-", expert).strip("-")[-60:]
    return f"{words}.{hashlib.sha256(expert.encode()).hexdigest()[:8]}.jsonl"


def _name_model(model: str) -> str:
    """As it is written; an endpoint without its addresses, which may change while a run goes on."""
    return f"openai:{parse_endpoint(model).model}" if is_endpoint(model) else model
