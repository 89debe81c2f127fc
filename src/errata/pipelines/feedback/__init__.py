"""Files of questions, answers and records -> preference records: one file a method.

In: files, and the names of models and judges. Out: records with their levels and what was found about each. The methods
themselves belong to `feedback`. Loads without torch until a local model is asked.
"""

from errata.pipelines.feedback.check import FeedbackCheck, check_file
from errata.pipelines.feedback.claims import CLAIMS_FILE, ClaimsRun, plan_claims, run_claims
from errata.pipelines.feedback.claims_job import ClaimsJob
from errata.pipelines.feedback.correct import collect_machine_corrections, find_source, plan_machine_corrections
from errata.pipelines.feedback.expert_levels import Asking, collect_expert_levels

__all__ = [
    "CLAIMS_FILE",
    "Asking",
    "ClaimsJob",
    "ClaimsRun",
    "FeedbackCheck",
    "check_file",
    "collect_expert_levels",
    "collect_machine_corrections",
    "find_source",
    "plan_claims",
    "plan_machine_corrections",
    "run_claims",
]
