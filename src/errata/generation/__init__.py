"""Questions in, answers out: batched, seeded and resumable.

In: a loaded model and questions. Out: answers, also as JSON lines that grow while the run goes on. What an answer is
worth belongs to `benchmarks`, what to ask to `world`, `data` and `benchmarks`.
"""

from errata.generation.answers import OnAnswers
from errata.generation.local import generate
from errata.generation.protocols import PROTOCOLS, build_settings
from errata.generation.samples import repeat_questions
from errata.generation.settings import GenerationSettings

__all__ = ["PROTOCOLS", "GenerationSettings", "OnAnswers", "build_settings", "generate", "repeat_questions"]
