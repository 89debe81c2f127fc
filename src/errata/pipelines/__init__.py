"""Several stages in one resumable call: the demo, evaluation of a model, and the making of the shipped bases.

In: settings of a whole job. Out: a folder with everything it made. A pipeline calls rooms and passes files between
them; whatever a single room could do belongs in that room.
"""

from errata.pipelines.bases import make_base, measure_base, order_bases
from errata.pipelines.compare_runs import compare_runs
from errata.pipelines.demo import run_demo
from errata.pipelines.demo_settings import DemoResult, DemoSettings
from errata.pipelines.evaluate import Evaluation, EvaluationSettings, evaluate
from errata.pipelines.feedback_check import FeedbackCheck, check_file
from errata.pipelines.pretrain import RECIPES, PretrainSettings, pretrain
from errata.pipelines.score_file import ScoreSettings, score_file
from errata.pipelines.world_auto_check import OrderFound, ShuffledSets, build_shuffled_sets, measure_auto_check

__all__ = [
    "RECIPES",
    "DemoResult",
    "DemoSettings",
    "Evaluation",
    "EvaluationSettings",
    "FeedbackCheck",
    "OrderFound",
    "PretrainSettings",
    "ScoreSettings",
    "ShuffledSets",
    "build_shuffled_sets",
    "check_file",
    "compare_runs",
    "evaluate",
    "make_base",
    "measure_auto_check",
    "measure_base",
    "order_bases",
    "pretrain",
    "run_demo",
    "score_file",
]
