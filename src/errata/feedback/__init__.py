"""Responses, and judges of them, to preference records: one method per file.

In: questions with candidate answers, records with a standard answer, judges, loaded models. Out: records with their
levels, what was found about each of them in `Record.meta`, and a tally that says what became of every prompt. Training
and measuring do not belong here; `pipelines` puts methods, models and files together.
"""

from errata.feedback.correct import CorrectionSettings, build_calls, correct_answers
from errata.feedback.correction_prompt import CORRECT
from errata.feedback.expert_levels import LEVELS, Expert, LevelSettings, build_levels, list_questions, require_levels
from errata.feedback.folder import FEEDBACK_FILE, FeedbackFolder, write_feedback
from errata.feedback.outcome import Feedback
from errata.feedback.ratings import build_rated_levels
from errata.feedback.self_reward import Normalise, SelfReward, choose_best, compute_reward
from errata.feedback.style import LevelStyle, Style, measure_style
from errata.feedback.style_rule import BALANCES, StyleRule, guard_style
from errata.feedback.tally import Dropped, Tally

__all__ = [
    "BALANCES",
    "CORRECT",
    "FEEDBACK_FILE",
    "LEVELS",
    "CorrectionSettings",
    "Dropped",
    "Expert",
    "Feedback",
    "FeedbackFolder",
    "LevelSettings",
    "LevelStyle",
    "Normalise",
    "SelfReward",
    "Style",
    "StyleRule",
    "Tally",
    "build_calls",
    "build_levels",
    "build_rated_levels",
    "choose_best",
    "compute_reward",
    "correct_answers",
    "guard_style",
    "list_questions",
    "measure_style",
    "require_levels",
    "write_feedback",
]
