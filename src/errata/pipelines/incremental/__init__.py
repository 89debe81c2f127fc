"""Levels from models that were tuned on ever larger shares of the same data (AMP's incremental generation).

In: records and a base model. Out: one model a share, their answers, and records with levels.
"""

from errata.pipelines.incremental.levels import Tuning, collect_incremental_levels

__all__ = [
    "Tuning",
    "collect_incremental_levels",
]
