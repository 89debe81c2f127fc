"""Records to fewer, more or other records: split, merge, sample, filter, pairs, levels, dedup, decontaminate.

In: files of our records and their pictures. Out: folders that hold records and pictures again, with a report of what
was left out where something is, and counts of what a file holds. Records pass one at a time; what stays in memory is
ids and hashes. Foreign formats do not belong here (`errata.data`), nor does drawing (`reports`).
"""

from errata.data.shaping.decontaminate import write_decontaminated
from errata.data.shaping.dedup import TRAITS, write_distinct
from errata.data.shaping.evaluation import BENCHMARKS, EvaluationImages, load_evaluation_images
from errata.data.shaping.folders import (
    IMAGE_RULES,
    ImageRule,
    RecordFile,
    RecordFolder,
    find_records,
    require_folder,
    writing_folder,
)
from errata.data.shaping.levels import PAIR_RULES, Levelling, LevelRule, level_record, write_levels, write_pairs
from errata.data.shaping.merge import merge_records, write_filtered
from errata.data.shaping.pictures import LOOK_DISTANCE
from errata.data.shaping.split import Part, sample_records, split_records
from errata.data.shaping.stats import collect_stats

__all__ = [
    "BENCHMARKS",
    "IMAGE_RULES",
    "LOOK_DISTANCE",
    "PAIR_RULES",
    "TRAITS",
    "EvaluationImages",
    "ImageRule",
    "LevelRule",
    "Levelling",
    "Part",
    "RecordFile",
    "RecordFolder",
    "collect_stats",
    "find_records",
    "level_record",
    "load_evaluation_images",
    "merge_records",
    "require_folder",
    "sample_records",
    "split_records",
    "write_decontaminated",
    "write_distinct",
    "write_filtered",
    "write_levels",
    "write_pairs",
    "writing_folder",
]
