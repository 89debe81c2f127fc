"""Responses, and judges of them, to preference records: one method per file.

In: questions with candidate answers, records with a standard answer, judges, loaded models. Out: records with their
levels, what was found about each of them in `Record.meta`, and a tally that says what became of every prompt. Training
and measuring do not belong here; `pipelines` puts methods, models and files together.
"""

from errata.feedback.claim_judging import Candidates, JudgedAnswer, Judging, Labeller, judge_claims
from errata.feedback.claim_labels import LABEL, PLAIN_LABEL
from errata.feedback.claim_labels import SUFFIX as LABEL_SUFFIX
from errata.feedback.claim_rules import RULES, split_by_rules, split_world
from errata.feedback.claim_split import ToSplit, ask_splitter
from errata.feedback.claim_truth import Agreement, build_truth_rule, measure_agreement
from errata.feedback.claims import ClaimSettings, build_claim_pairs, list_judged
from errata.feedback.folder import FEEDBACK_FILE, FeedbackFolder, write_feedback
from errata.feedback.outcome import Feedback
from errata.feedback.ratings import build_rated_levels
from errata.feedback.self_reward import Normalise, SelfReward, choose_best, compute_reward
from errata.feedback.tally import Dropped, Tally

__all__ = [
    "FEEDBACK_FILE",
    "LABEL",
    "LABEL_SUFFIX",
    "PLAIN_LABEL",
    "RULES",
    "Agreement",
    "Candidates",
    "ClaimSettings",
    "Dropped",
    "Feedback",
    "FeedbackFolder",
    "JudgedAnswer",
    "Judging",
    "Labeller",
    "Normalise",
    "SelfReward",
    "Tally",
    "ToSplit",
    "ask_splitter",
    "build_claim_pairs",
    "build_rated_levels",
    "build_truth_rule",
    "choose_best",
    "compute_reward",
    "judge_claims",
    "list_judged",
    "measure_agreement",
    "split_by_rules",
    "split_world",
    "write_feedback",
]
