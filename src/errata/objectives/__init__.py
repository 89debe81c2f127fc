"""From token log-probabilities to losses: aggregate × pairing × link, with every published method as one row.

In: tensors of numbers and levels as Python ints. Out: scores per response, losses per record, and the values that the
training log averages. A model, a record, a tokenizer or a device setting does not belong here, and nothing here knows
whether the reference was computed live or read from a cache.

Shape letters: T tokens of all responses, R responses of all records, N records, P compared pairs of all records.
"""

from errata.objectives.aggregate import aggregate, round_weights
from errata.objectives.links import LINKS
from errata.objectives.loss import LossOutput, preference_loss
from errata.objectives.objective import Objective
from errata.objectives.pairing import find_pairs
from errata.objectives.presets import PRESETS, build_objective

__all__ = [
    "LINKS",
    "PRESETS",
    "LossOutput",
    "Objective",
    "aggregate",
    "build_objective",
    "find_pairs",
    "preference_loss",
    "round_weights",
]
