"""POPE: yes/no questions about objects that are and are not in the image.

Reading the question files, building questions from annotations, and scoring answers.
"""

from errata.benchmarks.pope.benchmark import Pope, find_vintage, read_pope, write_pope
from errata.benchmarks.pope.build import SETTINGS, build_pope
from errata.benchmarks.pope.score import read_verdict, score_pope, score_pope_settings

__all__ = [
    "SETTINGS",
    "Pope",
    "build_pope",
    "find_vintage",
    "read_pope",
    "read_verdict",
    "score_pope",
    "score_pope_settings",
    "write_pope",
]
