"""A synthetic world whose truth is known, so that hallucination and its cure are measurable on a laptop.

In: seeds. Out: scenes, their pictures, questions about them, the careless texts that bases are pretrained on, and an
annotator who knows the truth and corrects answers. The shipped bases lie here as files; what loads or trains them is in
`models` and `pipelines`. Loads without torch.
"""

from errata.world.annotator import Carelessness, apply_edits, build_correction, correct_description, correct_verdict
from errata.world.language import (
    DESCRIBE,
    careless_answers,
    careless_caption,
    describe,
    exists_question,
    read_claims,
    words,
)
from errata.world.questions import BASES, base_folder, describe_questions, image_name, verdict_questions, write_images
from errata.world.render import render
from errata.world.scenes import (
    CATEGORIES,
    COLOURS,
    COMPANIONS,
    CORRECTION,
    EVALUATION,
    POSITIONS,
    TRAINING,
    Scene,
    Setting,
    Thing,
    sample_scenes,
)

__all__ = [
    "BASES",
    "CATEGORIES",
    "COLOURS",
    "COMPANIONS",
    "CORRECTION",
    "DESCRIBE",
    "EVALUATION",
    "POSITIONS",
    "TRAINING",
    "Carelessness",
    "Scene",
    "Setting",
    "Thing",
    "apply_edits",
    "base_folder",
    "build_correction",
    "careless_answers",
    "careless_caption",
    "correct_description",
    "correct_verdict",
    "describe",
    "describe_questions",
    "exists_question",
    "image_name",
    "read_claims",
    "render",
    "sample_scenes",
    "verdict_questions",
    "words",
    "write_images",
]
