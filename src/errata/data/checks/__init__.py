"""What is wrong with records, found before a model is loaded, and the repairs that change nothing anybody meant.

In: files of records. Out: findings by kind, repaired rows.
"""

from errata.data.checks.check import CheckReport, check_file, check_records
from errata.data.checks.findings import FINDING_KINDS, REWRITE_LEAST, REWRITE_RATIO, Finding
from errata.data.checks.repair import REPAIRS, RepairedFile, repair_file

__all__ = [
    "FINDING_KINDS",
    "REPAIRS",
    "REWRITE_LEAST",
    "REWRITE_RATIO",
    "CheckReport",
    "Finding",
    "RepairedFile",
    "check_file",
    "check_records",
    "repair_file",
]
