"""Model families: one file for each, and the registry that says which adapter serves which architecture.

What a family adds is how it makes pixels, where its image tokens stand, and its masks and positions.
"""

from errata.models.families.family import FamilyAdapter
from errata.models.families.limits import limit_tiled, require_grid
from errata.models.families.llava import LlavaAdapter
from errata.models.families.registry import FAMILIES, build_adapter, find_family, find_stops

__all__ = [
    "FAMILIES",
    "FamilyAdapter",
    "LlavaAdapter",
    "build_adapter",
    "find_family",
    "find_stops",
    "limit_tiled",
    "require_grid",
]
