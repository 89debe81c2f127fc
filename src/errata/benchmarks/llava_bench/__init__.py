"""LLaVA-Bench, COCO and in the wild: answers reviewed beside those of GPT-4.

Both benchmarks, the pair of scores in a review, and the relative score made of them.
"""

from errata.benchmarks.llava_bench.benchmark import LlavaBenchCoco, LlavaBenchWild

__all__ = ["LlavaBenchCoco", "LlavaBenchWild"]
