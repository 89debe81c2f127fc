"""Models that nobody wrote an adapter for: what their own processor and forward pass say is what is used.

In: any image-text-to-text model. Out: an adapter, checked before its first use by `trees`.
"""

from errata.models.generic.adapter import GenericAdapter

__all__ = ["GenericAdapter"]
