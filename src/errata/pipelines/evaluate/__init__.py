"""Benchmarks and answers -> a result folder: `errata eval`, `errata score` and what their judges cost.

In: settings, a model or a file of answers. Out: questions, answers and `results.json`, which `pipelines.compare` and
`reports` read. How a benchmark scores belongs to `benchmarks`. Loads without torch.
"""

from errata.pipelines.evaluate.judging import JudgeSettings, load_judge
from errata.pipelines.evaluate.run import evaluate
from errata.pipelines.evaluate.score_file import ScoreSettings, plan_evaluation, plan_scoring, score_file
from errata.pipelines.evaluate.settings import Evaluation, EvaluationSettings, StandInSettings, fill_images

__all__ = [
    "Evaluation",
    "EvaluationSettings",
    "JudgeSettings",
    "ScoreSettings",
    "StandInSettings",
    "evaluate",
    "fill_images",
    "load_judge",
    "plan_evaluation",
    "plan_scoring",
    "score_file",
]
