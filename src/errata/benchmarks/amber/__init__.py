"""AMBER: made-up things in descriptions, and yes/no questions about what is there.

The released files, the nouns of a description, and the arithmetic of both parts.
"""

from errata.benchmarks.amber.benchmark import Amber

__all__ = ["Amber"]
