"""The tree batch: a shared prefix once, then every response, exact against separate passes.

In: encoded prompts and responses, and a model behind an adapter. Out: log-probabilities per scored token, and the
cache of the reference's. Losses belong to `objectives`, steps and checkpoints to `training`.
"""

from errata.trees.attention import TREE_ATTENTION
from errata.trees.cache import ReferenceCache
from errata.trees.check import CheckResult, change_attention, check_adapter, evaluating, self_check
from errata.trees.fingerprint import describe_reference, hash_adapter, hash_weights
from errata.trees.layout import TreeLayout, TreeShape
from errata.trees.logps import head_logps, token_logps
from errata.trees.rows import TreeRow, TreeSample, build_row, build_rows
from errata.trees.scorer import Scorer
from errata.trees.separate import separate_logps
from errata.trees.support import NoTreeError, check_layout_is_read, choose_attention, enable_tree_attention

__all__ = [
    "TREE_ATTENTION",
    "CheckResult",
    "NoTreeError",
    "ReferenceCache",
    "Scorer",
    "TreeLayout",
    "TreeRow",
    "TreeSample",
    "TreeShape",
    "build_row",
    "build_rows",
    "change_attention",
    "check_adapter",
    "check_layout_is_read",
    "choose_attention",
    "describe_reference",
    "enable_tree_attention",
    "evaluating",
    "hash_adapter",
    "hash_weights",
    "head_logps",
    "self_check",
    "separate_logps",
    "token_logps",
]
