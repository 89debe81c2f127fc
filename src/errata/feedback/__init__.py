"""Responses, and judges of them, to preference records: one method per file.

In: questions with candidate answers, records with a standard answer, judges, loaded models. Out: records with their
levels, what was found about each of them in `Record.meta`, and a tally that says what became of every prompt. Training
and measuring do not belong here; `pipelines` puts methods, models and files together.
"""

from errata.feedback.agreement import MEASURES, Agreement, AgreementSettings, Encoder, measure_agreement
from errata.feedback.auto_check import CheckSettings, check_levels
from errata.feedback.chunkers import Chunker, Passage, build_chunker
from errata.feedback.claim_judging import (
    Candidates,
    JudgedAnswer,
    Judging,
    Labeller,
    OnProgress,
    build_label_calls,
    find_lost_image,
    find_obstacle,
    judge_claims,
)
from errata.feedback.claim_labels import LABEL, PLAIN_LABEL
from errata.feedback.claim_labels import SUFFIX as LABEL_SUFFIX
from errata.feedback.claim_rules import RULES, split_by_rules, split_world
from errata.feedback.claim_split import SPLIT, Split, ToSplit, ask_splitter, build_split_call, read_split
from errata.feedback.claim_truth import LabelAgreement, measure_label_agreement
from errata.feedback.claims import ClaimSettings, build_claim_pairs, list_judged
from errata.feedback.correct import CorrectionSettings, build_calls, correct_answers, is_quotable
from errata.feedback.correction_prompt import CORRECT
from errata.feedback.embeddings import CachedEncoder, EmbeddingCache
from errata.feedback.endpoint_labeller import EndpointLabeller
from errata.feedback.expert_levels import LEVELS, Expert, LevelSettings, build_levels, list_questions, require_levels
from errata.feedback.folder import FEEDBACK_FILE, FeedbackFolder, write_feedback
from errata.feedback.kendall import kendall_tau
from errata.feedback.lexical import LexicalEncoder
from errata.feedback.outcome import Feedback
from errata.feedback.ratings import build_rated_levels
from errata.feedback.style import LevelStyle, Style, measure_style
from errata.feedback.style_rule import StyleRule, guard_style
from errata.feedback.tally import Dropped, Tally

__all__ = [
    "CORRECT",
    "FEEDBACK_FILE",
    "LABEL",
    "LABEL_SUFFIX",
    "LEVELS",
    "MEASURES",
    "PLAIN_LABEL",
    "RULES",
    "SPLIT",
    "Agreement",
    "AgreementSettings",
    "CachedEncoder",
    "Candidates",
    "CheckSettings",
    "Chunker",
    "ClaimSettings",
    "CorrectionSettings",
    "Dropped",
    "EmbeddingCache",
    "Encoder",
    "EndpointLabeller",
    "Expert",
    "Feedback",
    "FeedbackFolder",
    "JudgedAnswer",
    "Judging",
    "LabelAgreement",
    "Labeller",
    "LevelSettings",
    "LevelStyle",
    "LexicalEncoder",
    "OnProgress",
    "Passage",
    "Split",
    "Style",
    "StyleRule",
    "Tally",
    "ToSplit",
    "ask_splitter",
    "build_calls",
    "build_chunker",
    "build_claim_pairs",
    "build_label_calls",
    "build_levels",
    "build_rated_levels",
    "build_split_call",
    "check_levels",
    "correct_answers",
    "find_lost_image",
    "find_obstacle",
    "guard_style",
    "is_quotable",
    "judge_claims",
    "kendall_tau",
    "list_judged",
    "list_questions",
    "measure_agreement",
    "measure_label_agreement",
    "measure_style",
    "read_split",
    "require_levels",
    "split_by_rules",
    "split_world",
    "write_feedback",
]
