"""`errata feedback check`: a file of records, an encoder and a chunker -> a folder of records ranked anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.benchmarks import find_cache
from errata.data.shaping import ImageRule, RecordFile, find_records
from errata.feedback import (
    CachedEncoder,
    CheckSettings,
    Encoder,
    Feedback,
    FeedbackFolder,
    LexicalEncoder,
    StyleRule,
    build_chunker,
    check_levels,
    guard_style,
    write_feedback,
)
from errata.pipelines.progress import OnProgress
from errata.records import BadRow


@dataclass(frozen=True, slots=True)
class FeedbackCheck:
    """What is checked and how.

    Args:
        records: A file of records, or a folder with records.jsonl.
        encoder: `lexical`, or a CLIP model or sentence encoder as a folder or a Hub name.
        chunker: `own`, or `spacy:MODEL`.
        settings: Thresholds and the like.
        cache: The SQLite file of all embeddings; None is `embeddings.sqlite` in the cache folder.
        device: Of the encoder: `auto`, `cpu`, …
        style: Which of the answers, once they are ranked, go for their lengths.
        image_root: Where image paths start; None is the file's folder.
        images: How pictures come into the folder.
        skip_bad: Count rows that cannot be read instead of stopping at the first.
    """

    records: Path
    encoder: str = "lexical"
    chunker: str = "own"
    settings: CheckSettings = field(default_factory=CheckSettings)
    cache: Path | None = None
    device: str = "auto"
    style: StyleRule = field(default_factory=StyleRule)
    image_root: Path | None = None
    images: ImageRule = "link"
    skip_bad: bool = False


def check_file(
    job: FeedbackCheck, out: str | Path, *, on_progress: OnProgress | None = None
) -> tuple[Feedback, FeedbackFolder]:
    """Rank the generated answers of every record anew, and write the folder.

    A run that was stopped is given again: texts that were encoded are in the cache.

    Raises:
        DataError: Records that cannot be read.
        ConfigError: A chunker that does not exist or is not installed.
        ModelError: An encoder that cannot be loaded.
        StorageError: The folder or the cache cannot be written.
    """
    source = find_records(job.records, job.image_root, on_progress)
    chunker = build_chunker(job.chunker)
    encoder, described = build_encoder(job)
    bad: list[BadRow] = []
    feedback = check_levels(source.read(bad.append if job.skip_bad else None), encoder, chunker, job.settings)
    _count_bad(feedback, source, bad)
    feedback.settings |= described | {"records": str(job.records)}
    if isinstance(encoder, CachedEncoder):
        feedback.report["texts_encoded"] = encoder.encoded
    feedback = guard_style(feedback, job.style)
    return feedback, write_feedback(out, feedback, source.root, images=job.images)


def build_encoder(job: FeedbackCheck) -> tuple[Encoder, dict[str, Any]]:
    """The encoder by its name, and what a result should know about it; one of a model is imported here."""
    if job.encoder == LexicalEncoder.name:
        return LexicalEncoder(), {}
    from errata.models import ModelSettings, load_text_encoder

    model = load_text_encoder(ModelSettings(job.encoder, device=job.device))
    described = {"encoder_kind": model.kind, "encoder_digest": model.digest, "encoder_max_tokens": model.max_tokens}
    return CachedEncoder(model, job.cache or find_cache("embeddings.sqlite")), described


def _count_bad(feedback: Feedback, source: RecordFile, bad: list[BadRow]) -> None:
    for row in bad:
        feedback.tally.prompts += 1
        feedback.tally.fail(row.where, f"a row of {source.path.name} that cannot be read", row.reason)
