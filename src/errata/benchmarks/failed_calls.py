"""What stands in place of an answer where a call failed: the marks of harnesses and clients, and nothing at all."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_BLANK = re.compile(r"(?:nan|null|<na>|nat|undefined|none)", re.IGNORECASE)
_FAILED = re.compile(
    r"\W*(?:api|http|request|server|connection|network|generation|inference|runtime|openai|model)?[ _-]?error\W*"
    r"|\W*(?:failed|failure|timeout|timed out|blocked|content[ _]filter(?:ed)?)\W*|\[\s*\]|<\s*empty\s*>"
    r"|[\w.]*(?:Error|Exception|_ERROR)|\W*(?:cuda|gpu|hip|mps|torch)\b.{0,40}\bout of memory\b.*"
    r"|\W*(?:max(?:imum)? )?(?:number of )?(?:retries|attempts) (?:exceeded|exhausted|reached)\b.*"
    r"|\W*exceeded (?:the )?(?:max(?:imum)? )?(?:number of )?(?:retries|attempts)\b.*"
    r"|\W*(?:no|empty|invalid) (?:response|output|prediction|reply|answer)"
    r"(?: (?:from|was|received|returned|generated|provided|found|available)\b.*)?\W*"
    r"|\W*failed to (?:obtain|get|generate|call|fetch|retrieve|parse|process|produce|receive)\b.*"
    r"|\W*(?:api|http|request|server|connection|network|generation|inference|openai|gateway|rate limit|client)[ _-]?"
    r"(?:call )?(?:error|failed|failure|timeout|timed out|aborted|exceeded|limit)\b.*"
    r"|\W*(?:error|exception)(?:\s*[:\-–]|\s*\(|\s+(?:code|calling|during|generating|occurred|while|in|from|processing|"
    r"\d{3})\b).*"
    r"|\W*an? (?:unexpected )?(?:error|exception) (?:occurred|happened|was).*"
    r"|\W*[\w.]*(?:Error|Exception|Timeout)\s*[(:].*|\[\s*(?:\w+ )?error\s*\].*"
    r"|\W*traceback \(most recent call last\).*"
    r"|\W*(?:http )?(?:error )?(?:400|401|403|404|408|413|422|429|500|502|503|504)\b(?:\W*|\W+(?:bad|too many|internal|"
    r"service|gateway|unauthori|forbidden|not found|error|client|server).*)",
    re.IGNORECASE | re.DOTALL,
)


def find_failure(value: Any) -> str:
    """Why a value is no answer, as words for people; empty where it may be one, as an empty text may."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "nothing"
    if isinstance(value, list):
        return "an empty list" if not value else ""
    if isinstance(value, dict):
        return f"an error: {json.dumps(value, default=str)[:80]}" if _is_error(value) else ""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if _BLANK.fullmatch(text) or _FAILED.fullmatch(text) or _is_error_text(text):
        return f"{text[:80]!r}"
    return ""


def _is_error_text(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        return _is_error(json.loads(text))
    except (ValueError, RecursionError):
        return bool(re.match(r"\{\s*['\"](?:error|detail|exception)['\"]\s*:", text))


def _is_error(value: Any) -> bool:
    """Whether a JSON value is what a server says of a failure."""
    if not isinstance(value, dict):
        return False
    return bool(value.get("error") or value.get("exception")) or value.get("object") == "error"
