"""Two result folders -> their paired differences, and whether they may be compared.

In: folders of `pipelines.evaluate`. Out: differences with intervals, the conditions that differ, and one `results.json`
of several stages. Loads without torch.
"""

from errata.pipelines.compare.compare_runs import build_stage, compare_runs, read_stage, share_items

__all__ = [
    "build_stage",
    "compare_runs",
    "read_stage",
    "share_items",
]
