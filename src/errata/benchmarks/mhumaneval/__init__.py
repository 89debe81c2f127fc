"""MHumanEval: hallucinated segments that people mark in answers (RLHF-V).

The benchmark, the job that is written for people, and their marks read back.
"""

from errata.benchmarks.mhumaneval.benchmark import MHumanEval
from errata.benchmarks.mhumaneval.marks import MARK_TYPES, read_marks, write_marking_job

__all__ = ["MARK_TYPES", "MHumanEval", "read_marks", "write_marking_job"]
