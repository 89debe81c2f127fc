"""Several stages in one resumable call, one inner room a job.

In: settings of a whole job. Out: a folder with everything it made. A pipeline calls rooms and passes files between
them; whatever a single room could do belongs in that room. Jobs are entered by their own rooms (`pipelines.evaluate`),
so that none loads what another needs; here stands what all of them share.
"""

from errata.pipelines.progress import OnProgress, name_progress

__all__ = [
    "OnProgress",
    "name_progress",
]
