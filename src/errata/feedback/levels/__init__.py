"""Ranked answers: from models of different strength, from ratings, and ranked anew by AMP's auto-check.

In: prompts with answers. Out: records of K levels.
"""

from errata.feedback.levels.agreement import (
    MEASURES,
    Agreement,
    AgreementSettings,
    Chunker,
    Encoder,
    Passage,
    build_chunker,
    measure_agreement,
)
from errata.feedback.levels.auto_check import CheckSettings, check_levels, kendall_tau
from errata.feedback.levels.embeddings import CachedEncoder, EmbeddingCache, LexicalEncoder
from errata.feedback.levels.experts import LEVELS, Expert, LevelSettings, build_levels, list_questions, require_levels
from errata.feedback.levels.ratings import build_rated_levels

__all__ = [
    "LEVELS",
    "MEASURES",
    "Agreement",
    "AgreementSettings",
    "CachedEncoder",
    "CheckSettings",
    "Chunker",
    "EmbeddingCache",
    "Encoder",
    "Expert",
    "LevelSettings",
    "LexicalEncoder",
    "Passage",
    "build_chunker",
    "build_levels",
    "build_rated_levels",
    "check_levels",
    "kendall_tau",
    "list_questions",
    "measure_agreement",
    "require_levels",
]
