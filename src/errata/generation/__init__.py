"""Questions in, answers out: batched, seeded and resumable.

In: an endpoint and requests, or a loaded model and questions (`generation.local`, the part that needs torch). Out:
answers, also as JSON lines that grow while the run goes on. This room has the only client of endpoints; judges use it
too. What an answer is worth belongs to `benchmarks`, what to ask to `world`, `data` and `benchmarks`.
"""

from errata.generation.answers import AnswerFile, Check, OnAnswers, OnFailure, write_failures
from errata.generation.choosing import Normalise, choose_best
from errata.generation.protocols import PROTOCOLS, build_settings
from errata.generation.remote import Answered, ask_endpoint
from errata.generation.remote_store import read_failures
from errata.generation.samples import repeat_questions
from errata.generation.settings import GenerationSettings

__all__ = [
    "PROTOCOLS",
    "AnswerFile",
    "Answered",
    "Check",
    "GenerationSettings",
    "Normalise",
    "OnAnswers",
    "OnFailure",
    "ask_endpoint",
    "build_settings",
    "choose_best",
    "read_failures",
    "repeat_questions",
    "write_failures",
]
