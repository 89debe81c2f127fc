"""HallusionBench: yes/no questions about images and their altered twins.

The benchmark, what its judge is asked, and how answers are grouped by figure and question.
"""

from errata.benchmarks.hallusionbench.benchmark import HallusionBench

__all__ = ["HallusionBench"]
