"""Answers that other programs wrote: rows, the column that holds the answer, and the question that each is about.

In: files of any harness. Out: answers joined with a benchmark's questions.
"""

from errata.benchmarks.answers.files import read_given_answers
from errata.benchmarks.answers.joining import (
    REST,
    STRANGERS,
    align_answers,
    are_about,
    find_image,
    find_image_key,
    find_images,
    join_answers,
)
from errata.benchmarks.answers.rows import GivenAnswer, look_up_numbers, name_figure

__all__ = [
    "REST",
    "STRANGERS",
    "GivenAnswer",
    "align_answers",
    "are_about",
    "find_image",
    "find_image_key",
    "find_images",
    "join_answers",
    "look_up_numbers",
    "name_figure",
    "read_given_answers",
]
