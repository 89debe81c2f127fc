"""What a number is worth: bootstrap intervals over images, and paired differences of two runs.

In: units with counts. Out: metrics with intervals and p-values.
"""

from errata.benchmarks.statistics.estimate import RESAMPLES, Combined, Unit, describe_combined, estimate, recount
from errata.benchmarks.statistics.paired import PairedDifference, compare

__all__ = ["RESAMPLES", "Combined", "PairedDifference", "Unit", "compare", "describe_combined", "estimate", "recount"]
