"""Object HalBench: made-up objects in detailed descriptions (RLHF-V).

The benchmark, its released questions, and which words of a description name objects.
"""

from errata.benchmarks.object_halbench.benchmark import ObjectHalBench
from errata.benchmarks.object_halbench.questions import read_row

__all__ = ["ObjectHalBench", "read_row"]
