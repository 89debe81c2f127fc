"""What a server says instead of a reply, in whichever shape it says it: which failure that is, and what it said.

Shapes: OpenAI's `{"error": {"message", "param", "code"}}` and the same inside a list (Gemini) or with status 200
(OpenRouter), FastAPI's and Mistral's `detail`, a bare `message` (vLLM, Anthropic), a page of HTML, plain text.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

from errata.endpoints.reply import FailedAttemptError, excerpt, hide
from errata.endpoints.request import FailureKind

STATUS_KINDS: Mapping[int, FailureKind] = {
    401: "key refused",
    402: "quota",
    403: "key refused",
    404: "not found",
    405: "not found",
    408: "time-out",
    409: "server error",
    410: "not found",
    429: "rate limit",
}
OVERLOADED = (503, 529)
_WORDS: tuple[tuple[tuple[int, ...], FailureKind, str], ...] = (
    (
        (400, 403, 422, 500),
        "filtered",
        r"content.?(management|policy|filter|moderation)|ResponsibleAI|safety (system|filter|polic)"
        r"|flagged|moderation|prohibited.?content|inappropriate.?content|sensitive (content|words)",
    ),
    ((400,), "key refused", r"api.?key (is )?(not valid|invalid|expired|missing)|invalid.?(api.?key|authentication)"),
    (
        (400, 422),
        "not found",
        r"model_not_found|invalid.?model(?:_name|:| ['\"`])|unknown model|no such model"
        r"|model\b.{0,120}?(does not exist|not found|deprecated|decommissioned|retired|no longer (available|served))",
    ),
)
"""What statuses that mean many things mean where the server says more."""
_NO_QUOTA = re.compile(
    r"insufficient.?(quota|balance|credit|fund)|billing|per.?day\b|daily|add credits|credit (balance|limit)"
    r"|out of credit",
    re.IGNORECASE,
)
_WAIT = re.compile(r"(?:re)?try (?:again )?(?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|m|s|h)[a-z]*\s*)+)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PARTS = ("message", "detail", "msg", "errors", "error_description", "title", "raw")
_DEPTH = 6
MAX_MESSAGE = 4000


@dataclass(frozen=True, slots=True)
class ServerError:
    """What a server said instead of a reply.

    Attributes:
        status: Of HTTP, or the code inside a reply of status 200.
        message: All it said, without the key.
        names: The parameters of the request that it says are at fault, as its own fields name them.
        wait_s: What it asked to wait.
    """

    status: int
    message: str
    names: tuple[str, ...] = ()
    wait_s: float | None = None

    def to_failure(self) -> FailedAttemptError:
        """By its status, and by its words where a status means many things."""
        said = excerpt(self.message) or "no message"
        if self.status < 400:
            return FailedAttemptError("not found", f"status {self.status}: a redirect, which is not followed")
        return FailedAttemptError(self._name(), f"status {self.status}: {said}", self.wait_s)

    def _name(self) -> FailureKind:
        default: FailureKind = "bad request" if 400 <= self.status < 500 else "server error"
        kind = STATUS_KINDS.get(self.status, default)
        for statuses, meant, words in _WORDS:
            if self.status in statuses and re.search(words, self.message, re.IGNORECASE):
                return meant
        hopeless = self.status == 429 and _NO_QUOTA.search(self.message) is not None
        if hopeless and (self.wait_s is None or self.wait_s > 3600 or "insufficient_quota" in self.message):
            return "quota"
        return "rate limit" if self.status in OVERLOADED and self.wait_s is not None else kind


def read_error(status: int, headers: Mapping[str, str], content: bytes, key: str) -> ServerError | None:
    """What a server said instead of a reply; None where it is one."""
    if status < 300:
        if b'"error"' not in content[:4000] or b'"choices"' in content:
            return None
        body = _unwrap(_parse(content))
        if not isinstance(body, dict) or not body.get("error"):
            return None
        status = _read_code(body["error"])
    body = _parse(content)
    # Hidden before it is cut, or half a key would stay.
    message = hide(" ".join(dict.fromkeys(_list_words(body))), key)[:MAX_MESSAGE]
    wait = None
    if status in (429, *OVERLOADED):
        wait = _read_wait(headers) if _read_wait(headers) is not None else _find_wait(body, message)
    return ServerError(status, message, tuple(dict.fromkeys(_list_names(body))), wait)


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return _strip_html(content.decode(errors="replace"))


def _strip_html(text: str) -> str:
    """The words of a page; a text that is none stays as it is."""
    if text.lstrip()[:1] != "<":
        return text
    text = re.sub(r"(?is)<(script|style)\b.*?</\1>", " ", text[:20_000])
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def _unwrap(body: Any) -> Any:
    """Of a list the first element."""
    return body[0] if isinstance(body, list) and body else body


def _read_code(error: Any) -> int:
    """The status that an error in a reply of status 200 states, or 500."""
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else 500


def _list_words(body: Any, depth: int = 0) -> Iterator[str]:
    """Everything that is said: messages, codes, and pydantic's places of what it refuses."""
    if depth > _DEPTH:
        return
    if isinstance(body, str):
        inner = _parse_inner(body)
        if inner is None:
            yield body
        else:
            yield from _list_words(inner, depth + 1)
    elif isinstance(body, list):
        for each in body[:20]:
            yield from _list_words(each, depth + 1)
    elif isinstance(body, dict):
        yield from _list_words_of(body, depth)


def _list_words_of(body: dict[str, Any], depth: int) -> Iterator[str]:
    error = body.get("error")
    if isinstance(error, (dict, str, list)) and error:
        yield from _list_words(error, depth + 1)
        error = None
    place = body.get("loc")
    if isinstance(place, list):
        yield ".".join(str(part) for part in place) + ":"
    known = [body[name] for name in _PARTS if body.get(name)]
    for each in known:
        yield from _list_words(each, depth + 1)
    if isinstance(body.get("metadata"), dict):
        yield from _list_words(body["metadata"], depth + 1)
    code = body.get("code")
    if isinstance(code, str) and not code.isdecimal():
        yield f"({code})"
    if not known and depth < 2 and not isinstance(body.get("error"), (dict, str, list)):
        yield json.dumps(body, default=str)[:500]


def _parse_inner(text: str) -> Any:
    """The JSON that a gateway quotes of the server behind it; None where the text is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _list_names(body: Any, depth: int = 0) -> Iterator[str]:
    """The parameters that fields of an error name: `param`, and the end of pydantic's `loc`."""
    if depth > _DEPTH:
        return
    if isinstance(body, list):
        for each in body[:20]:
            yield from _list_names(each, depth + 1)
    elif isinstance(body, str):
        yield from _list_names(_parse_inner(body), depth + 1)
    elif isinstance(body, dict):
        if isinstance(body.get("param"), str):
            yield body["param"]
        place = body.get("loc")
        if isinstance(place, list) and place and isinstance(place[-1], str):
            yield place[-1]
        for name in ("error", "metadata", *_PARTS):
            yield from _list_names(body.get(name), depth + 1)


def _read_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, from `retry-after-ms` or `retry-after` (seconds or a date)."""
    milliseconds, seconds = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    for text, unit in ((milliseconds, 1000.0), (seconds, 1.0)):
        try:
            wait = float(text) / unit
        except ValueError:
            continue
        return max(wait, 0.0) if not math.isnan(wait) else None
    try:
        return max(parsedate_to_datetime(seconds).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _find_wait(body: Any, message: str) -> float | None:
    """The same from the body: OpenRouter's time of reset in milliseconds, Gemini's `retryDelay`, or the words."""
    whole = json.dumps(body, default=str)[:20_000]
    reset = re.search(r'"X-RateLimit-Reset":\s*"?(\d{13})\b', whole, re.IGNORECASE)
    if reset:
        return max(int(reset[1]) / 1000 - time.time(), 0.0)
    delay = re.search(r'"retryDelay":\s*"(\d+(?:\.\d+)?)s"', whole)
    if delay:
        return float(delay[1])
    words = _WAIT.search(message)
    if words is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|m|s|h)", words[1].lower())
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
