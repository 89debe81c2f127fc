"""Rounds of feedback and training: every round starts from the model of the last.

In: a settings file, a model, questions. Out: a folder a round, the chosen checkpoint, and a report over all rounds.
"""

from errata.pipelines.iterate.run import Iteration, iterate
from errata.pipelines.iterate.settings import IterateRun

__all__ = ["IterateRun", "Iteration", "iterate"]
