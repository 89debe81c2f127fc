"""Responses, and judges of them, to preference records: one method per file.

In: questions with candidate answers, records with a standard answer, judges, loaded models. Out: records with their
levels, what was found about each of them in `Record.meta`, and a tally that says what became of every prompt. Training
and measuring do not belong here; `pipelines` puts methods, models and files together.
"""

from errata.feedback.agreement import MEASURES, Agreement, AgreementSettings, Encoder, measure_agreement
from errata.feedback.auto_check import CheckSettings, check_levels
from errata.feedback.chunkers import Chunker, Passage, build_chunker
from errata.feedback.embeddings import CachedEncoder, EmbeddingCache
from errata.feedback.folder import FEEDBACK_FILE, FeedbackFolder, write_feedback
from errata.feedback.kendall import kendall_tau
from errata.feedback.lexical import LexicalEncoder
from errata.feedback.outcome import Feedback
from errata.feedback.ratings import build_rated_levels
from errata.feedback.self_reward import Normalise, SelfReward, choose_best, compute_reward
from errata.feedback.tally import Dropped, Tally

__all__ = [
    "FEEDBACK_FILE",
    "MEASURES",
    "Agreement",
    "AgreementSettings",
    "CachedEncoder",
    "CheckSettings",
    "Chunker",
    "Dropped",
    "EmbeddingCache",
    "Encoder",
    "Feedback",
    "FeedbackFolder",
    "LexicalEncoder",
    "Normalise",
    "Passage",
    "SelfReward",
    "Tally",
    "build_chunker",
    "build_rated_levels",
    "check_levels",
    "choose_best",
    "compute_reward",
    "kendall_tau",
    "measure_agreement",
    "write_feedback",
]
