"""The one client of OpenAI-compatible servers: a request, a reply, one server over HTTP, and who is asked when.

In: conversations with images, and the names of servers. Out: replies, or failures by kind with what can be done. What
is asked and what a reply means belong to `generation`, `judges` and `feedback`.
"""

from errata.endpoints.address import is_endpoint, name_model, parse_endpoint
from errata.endpoints.client import ChatClient
from errata.endpoints.request import (
    REMEDIES,
    ChatFailure,
    ChatReply,
    ChatRequest,
    EndpointSettings,
    FailureKind,
    find_remedy,
)

__all__ = [
    "REMEDIES",
    "ChatClient",
    "ChatFailure",
    "ChatReply",
    "ChatRequest",
    "EndpointSettings",
    "FailureKind",
    "find_remedy",
    "is_endpoint",
    "name_model",
    "parse_endpoint",
]
