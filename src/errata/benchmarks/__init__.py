"""Benchmarks: items -> answers -> verdicts -> a pure score with its interval.

In: official files or annotated images, and answers, also those of other harnesses. Out: questions, and
`BenchmarkResult`s; official mode repeats the released code with its bugs, strict mode fixes them. A benchmark is one
class that loads, prompts, parses and scores, named in one table. Nothing here runs a model (`generation`) or draws a
plot (`reports`).
"""

from errata.benchmarks.annotations import DESCRIBE, AnnotatedImage, read_annotations, require_images
from errata.benchmarks.answers import (
    REST,
    GivenAnswer,
    align_answers,
    are_about,
    find_image,
    find_image_key,
    find_images,
    join_answers,
    look_up_numbers,
    read_given_answers,
)
from errata.benchmarks.chair import build_truth, find_objects, score_chair
from errata.benchmarks.mhumaneval import MARK_TYPES, read_marks, write_marking_job
from errata.benchmarks.official_files import fetch_data, find_cache, find_data
from errata.benchmarks.pope import (
    SETTINGS,
    build_pope,
    find_vintage,
    read_pope,
    read_verdict,
    score_pope,
    score_pope_settings,
    write_pope,
)
from errata.benchmarks.protocol import (
    ANSWERED,
    Benchmark,
    Card,
    Item,
    Mode,
    Published,
    Remote,
    Reply,
    Setup,
    build_item,
)
from errata.benchmarks.registry import BENCHMARKS, build_benchmarks
from errata.benchmarks.stand_ins import count_stand_ins, write_stand_ins
from errata.benchmarks.statistics import Combined, PairedDifference, Unit, compare, describe_combined, estimate, recount

__all__ = [
    "ANSWERED",
    "BENCHMARKS",
    "DESCRIBE",
    "MARK_TYPES",
    "REST",
    "SETTINGS",
    "AnnotatedImage",
    "Benchmark",
    "Card",
    "Combined",
    "GivenAnswer",
    "Item",
    "Mode",
    "PairedDifference",
    "Published",
    "Remote",
    "Reply",
    "Setup",
    "Unit",
    "align_answers",
    "are_about",
    "build_benchmarks",
    "build_item",
    "build_pope",
    "build_truth",
    "compare",
    "count_stand_ins",
    "describe_combined",
    "estimate",
    "fetch_data",
    "find_cache",
    "find_data",
    "find_image",
    "find_image_key",
    "find_images",
    "find_objects",
    "find_vintage",
    "join_answers",
    "look_up_numbers",
    "read_annotations",
    "read_given_answers",
    "read_marks",
    "read_pope",
    "read_verdict",
    "recount",
    "require_images",
    "score_chair",
    "score_pope",
    "score_pope_settings",
    "write_marking_job",
    "write_pope",
    "write_stand_ins",
]
