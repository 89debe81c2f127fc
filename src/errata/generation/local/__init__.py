"""Answers of a model that is loaded here: batched, seeded and resumable.

In: a loaded model, questions and settings. Out: answers. This is the part of `generation` that needs torch; asking an
endpoint, settings and files of answers are in the room around it.
"""

from errata.generation.local.identity import describe_run
from errata.generation.local.run import generate
from errata.generation.local.text_only import generate_text

__all__ = [
    "describe_run",
    "generate",
    "generate_text",
]
