"""What the synthetic world is measured with and made of: corrections, scores, the shipped bases.

In: scenes, settings, models. Out: corrected answers, benchmark results of the world, and bases that are pretrained on
its careless texts.
"""

from errata.pipelines.world.auto_check import OrderFound, ShuffledSets, build_shuffled_sets, measure_auto_check
from errata.pipelines.world.bases import make_base, measure_base, order_bases
from errata.pipelines.world.pretrain import RECIPES, PretrainSettings, pretrain

__all__ = [
    "RECIPES",
    "OrderFound",
    "PretrainSettings",
    "ShuffledSets",
    "build_shuffled_sets",
    "make_base",
    "measure_auto_check",
    "measure_base",
    "order_bases",
    "pretrain",
]
