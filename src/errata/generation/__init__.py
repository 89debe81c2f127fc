"""Questions in, answers out: batched, seeded and resumable.

In: a loaded model and questions, or an endpoint and requests. Out: answers, also as JSON lines that grow while the run
goes on. This room has the only client of endpoints; judges use it too. What an answer is worth belongs to
`benchmarks`, what to ask to `world`, `data` and `benchmarks`.
"""

from errata.generation.answers import AnswerFile, Check, OnAnswers, OnFailure, write_failures
from errata.generation.chat import (
    REMEDIES,
    ChatFailure,
    ChatReply,
    ChatRequest,
    EndpointSettings,
    FailureKind,
    find_remedy,
)
from errata.generation.chat_client import ChatClient
from errata.generation.endpoint import Endpoint, is_endpoint, name_model, parse_endpoint
from errata.generation.identity import describe_run
from errata.generation.local import generate
from errata.generation.protocols import PROTOCOLS, build_settings
from errata.generation.remote import Answered, ask_endpoint
from errata.generation.remote_store import read_failures
from errata.generation.samples import repeat_questions
from errata.generation.settings import GenerationSettings
from errata.generation.text_only import generate_text

__all__ = [
    "PROTOCOLS",
    "REMEDIES",
    "AnswerFile",
    "Answered",
    "ChatClient",
    "ChatFailure",
    "ChatReply",
    "ChatRequest",
    "Check",
    "Endpoint",
    "EndpointSettings",
    "FailureKind",
    "GenerationSettings",
    "OnAnswers",
    "OnFailure",
    "ask_endpoint",
    "build_settings",
    "describe_run",
    "find_remedy",
    "generate",
    "generate_text",
    "is_endpoint",
    "name_model",
    "parse_endpoint",
    "read_failures",
    "repeat_questions",
    "write_failures",
]
