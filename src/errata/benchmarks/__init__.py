"""Benchmarks: items -> answers -> verdicts -> a pure score with its interval.

In: official files or annotated images, and answers, also those of other harnesses. Out: questions, and
`BenchmarkResult`s; official mode repeats the released code with its bugs, strict mode fixes them. A benchmark is one
class that loads, prompts, parses and scores, named in one table. Nothing here runs a model (`generation`) or draws a
plot (`reports`).
"""

from errata.benchmarks.alignment import REST, align_answers
from errata.benchmarks.annotations import DESCRIBE, AnnotatedImage, read_annotations, require_images
from errata.benchmarks.answer_files import read_given_answers
from errata.benchmarks.answer_rows import GivenAnswer
from errata.benchmarks.card import Card, Published, Remote
from errata.benchmarks.chair_score import build_truth, find_objects, score_chair
from errata.benchmarks.human_marks import MARK_TYPES, read_marks, write_marking_job
from errata.benchmarks.joining import are_about, find_image, find_image_key, find_images, join_answers
from errata.benchmarks.numbering import look_up_numbers
from errata.benchmarks.paired import PairedDifference, compare
from errata.benchmarks.pope_build import SETTINGS, build_pope
from errata.benchmarks.pope_files import find_vintage, read_pope, write_pope
from errata.benchmarks.pope_rule import read_verdict
from errata.benchmarks.pope_score import score_pope, score_pope_settings
from errata.benchmarks.protocol import ANSWERED, Benchmark, Item, Mode, Reply, Setup, build_item
from errata.benchmarks.sources import fetch_data, find_cache, find_data
from errata.benchmarks.stand_ins import count_stand_ins, write_stand_ins
from errata.benchmarks.statistics import Combined, Unit, describe_combined, estimate, recount
from errata.benchmarks.table import BENCHMARKS, build_benchmarks

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
