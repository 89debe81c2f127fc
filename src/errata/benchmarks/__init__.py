"""Benchmarks: items -> answers -> verdicts -> a pure score with its interval.

In: questions, answers and what is true of the images. Out: questions built for a set of images, and
`BenchmarkResult`s; official mode repeats the released code with its bugs, strict mode fixes them. Nothing here runs a
model (`generation`) or draws a plot (`reports`).
"""

from errata.benchmarks.chair import build_truth, find_objects, score_chair
from errata.benchmarks.pope import read_verdict, score_pope, score_pope_settings
from errata.benchmarks.pope_build import SETTINGS, build_pope
from errata.benchmarks.pope_files import find_vintage, read_pope, write_pope
from errata.benchmarks.statistics import PairedDifference, Unit, compare, estimate

__all__ = [
    "SETTINGS",
    "PairedDifference",
    "Unit",
    "build_pope",
    "build_truth",
    "compare",
    "estimate",
    "find_objects",
    "find_vintage",
    "read_pope",
    "read_verdict",
    "score_chair",
    "score_pope",
    "score_pope_settings",
    "write_pope",
]
