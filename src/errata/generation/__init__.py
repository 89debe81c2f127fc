"""Questions in, answers out: batched, seeded and resumable.

In: a loaded model and questions, or an endpoint and requests. Out: answers, also as JSON lines that grow while the run
goes on. This room has the only client of endpoints; judges use it too. What an answer is worth belongs to
`benchmarks`, what to ask to `world`, `data` and `benchmarks`.
"""

from errata.generation.chat import ChatFailure, ChatReply, ChatRequest, EndpointSettings, FailureKind
from errata.generation.chat_client import ChatClient
from errata.generation.endpoint import Endpoint, is_endpoint, parse_endpoint
from errata.generation.local import generate
from errata.generation.settings import GenerationSettings

__all__ = [
    "ChatClient",
    "ChatFailure",
    "ChatReply",
    "ChatRequest",
    "Endpoint",
    "EndpointSettings",
    "FailureKind",
    "GenerationSettings",
    "generate",
    "is_endpoint",
    "parse_endpoint",
]
