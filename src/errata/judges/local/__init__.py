"""A model of a folder or of the Hub as a judge, through our own generation.

In: requests to a judge. Out: replies, kept under a digest of the model's files. This is the part of `judges` that needs
torch; `build_judge` loads it when such a judge is named.
"""

from errata.judges.local.judge import LocalJudge, check_eyes, name_weights

__all__ = [
    "LocalJudge",
    "check_eyes",
    "name_weights",
]
