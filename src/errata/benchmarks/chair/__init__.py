"""CHAIR: objects that a description names and the image does not show.

The benchmark, and the scoring of captions, as released and with the release's bugs fixed.
"""

from errata.benchmarks.chair.benchmark import Chair, describe_truth, find_vocabulary
from errata.benchmarks.chair.score import build_pairs, build_truth, find_objects, merge_pairs, score_chair

__all__ = [
    "Chair",
    "build_pairs",
    "build_truth",
    "describe_truth",
    "find_objects",
    "find_vocabulary",
    "merge_pairs",
    "score_chair",
]
