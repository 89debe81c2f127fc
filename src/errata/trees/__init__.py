"""The tree batch: a shared prefix once, then every response, exact against separate passes.

In: encoded prompts and responses, and a model behind an adapter. Out: log-probabilities per scored token, and the
cache of the reference's. Losses belong to `objectives`, steps and checkpoints to `training`.
"""

from errata.trees.attention import TREE_ATTENTION, check_layout_is_read, enable_tree_attention
from errata.trees.cache import ReferenceCache
from errata.trees.check import CheckResult, evaluating, self_check
from errata.trees.fingerprint import describe_reference
from errata.trees.layout import TreeLayout, TreeShape
from errata.trees.logps import head_logps, token_logps
from errata.trees.rows import TreeRow, TreeSample, build_row, build_rows
from errata.trees.separate import separate_logps

__all__ = [
    "TREE_ATTENTION",
    "CheckResult",
    "ReferenceCache",
    "TreeLayout",
    "TreeRow",
    "TreeSample",
    "TreeShape",
    "build_row",
    "build_rows",
    "check_layout_is_read",
    "describe_reference",
    "enable_tree_attention",
    "evaluating",
    "head_logps",
    "self_check",
    "separate_logps",
    "token_logps",
]
