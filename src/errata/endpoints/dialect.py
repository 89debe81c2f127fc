"""What one server takes of a request's parameters, learnt from its refusals; providers word these in many ways."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from errata.endpoints.failures import ServerError

LIMIT = "max_tokens"
LIMIT_NAMES = ("max_completion_tokens", "max_output_tokens", "max_new_tokens")
KEPT = ("model", "messages", LIMIT)
"""What no request can do without."""
LEARNT_FROM = (400, 403, 404, 415, 422, 500, 501)
TOGETHER = {"logprobs": "top_logprobs"}
"""A parameter that another one makes no sense without."""
WARM = 0.01
"""For servers that take a temperature, but not 0."""
LEAST_ROOM = 16
_REFUSES = re.compile(
    r"unsupported|not? (?:yet )?support|n['’]t support|unknown|unrecogni[sz]ed|not permitted|not allowed|disallow"
    r"|invalid|unexpected|\bextra\b|deprecated|cannot be (?:used|set|specified)|cannot both|can only|\bonly\b"
    r"|not enabled|not available|must be|should be|has to be|forbidden|cannot find field|not implemented|incompatible"
    r"|less than|greater than|out of range|too large|exceed",
    re.IGNORECASE,
)
_OF_VALUE = re.compile(
    r"unsupported_?\s?value|does(?: not|n['’]t) support (?:\w+ ?= ?)?[\d.]+|don['’]t support \w+ ?= ?[\d.]+"
    r"|only (?:the default|(?:\w+ ?= ?)?[\d.]+) |must be|should be|has to be|range|less than|greater than|positive"
    r"|invalid value",
    re.IGNORECASE,
)
_DEFAULT = re.compile(r"default \(([^)]{1,20})\)|only (?:\w+ ?= ?)?(\d+(?:\.\d+)?) is", re.IGNORECASE)
_POSITIVE = re.compile(
    r"strictly positive|(?:greater|larger) than 0|> ?0|\(0(?:\.0)?, ?[12]|non-?zero|cannot be 0", re.IGNORECASE
)
_LARGEST = re.compile(
    r"(?:at most|maximum (?:allowed|value)?[^.\d]{0,40}|max allowed: |less than or equal to|between \d+ and|<=|\[\d+,"
    r"|up to|>) ?`?(\d[\d,]*)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"(?:context[ _](?:length|window|size)|maximum context)\D{0,40}(\d[\d,]*)", re.IGNORECASE)
_PROMPT = re.compile(
    r"(\d[\d,]*) (?:tokens? )?(?:in|from|of) (?:the |your )?(?:messages|prompt|input)"
    r"|(\d[\d,]*) (?:input|prompt) tokens|(?:input|prompt) (?:tokens|length)\D{1,12}(\d[\d,]*)",
    re.IGNORECASE,
)


class Dialect:
    """The form in which one server wants requests. Requests that were under way while it was learnt are sent again.

    What was changed is told by parameter in words, as results record it.
    """

    def __init__(self) -> None:
        self._limit_name, self._largest = LIMIT, dict[str, int]()
        self._left_out: dict[str, str] = {}
        self._instead: dict[tuple[str, str], tuple[Any, str]] = {}

    def apply(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The body as the server wants it, and what that changed."""
        sent, changes = dict(body), dict[str, str]()
        for name, largest in self._largest.items():
            if isinstance(sent.get(name), int) and sent[name] > largest:
                changes[name] = f"{sent[name]} lowered to {largest}"
                sent[name] = largest
        for name in list(sent):
            told = self._instead.get((name, json.dumps(sent[name], default=str)))
            if name in self._left_out:
                changes[name] = f"{_show(sent.pop(name))} left out: {self._left_out[name]}"
            elif told is not None:
                changes[name] = f"{_show(sent[name])} {told[1]}"
                if told[0] is None:
                    del sent[name]
                else:
                    sent[name] = told[0]
        if LIMIT in sent and self._limit_name != LIMIT:
            sent = {self._limit_name if name == LIMIT else name: value for name, value in sent.items()}
            changes[LIMIT] = "; ".join(filter(None, [changes.get(LIMIT), f"sent as {self._limit_name}"]))
        return sent, changes

    def learn(self, sent: Mapping[str, Any], error: ServerError) -> None:
        """Take from a refusal which parameter of what was sent it is about; nothing where it names none."""
        too_long = _CONTEXT.search(error.message) is not None
        if error.status not in LEARNT_FROM or too_long or not _REFUSES.search(error.message):
            return
        limit = self._limit_name
        names = self._find_names(sent, error)
        if limit in names or (limit in sent and any(name in error.message for name in LIMIT_NAMES)):
            self._learn_limit(sent, error)
            names = [name for name in names if name != limit]
        if "temperature" in names and "top_p" in names and "both" in error.message:
            names = ["top_p"]  # a temperature says more of how was decoded
        for name in names:
            self._learn_name(name, sent[name], error)

    def _find_names(self, sent: Mapping[str, Any], error: ServerError) -> list[str]:
        """The parameters that a refusal is about: its own fields say so, or its words do."""
        open_ = [name for name in sent if name not in KEPT or name == self._limit_name]
        stated = [name for name in open_ if name in error.names]
        return stated or [name for name in open_ if _mentions(error.message, name)]

    def _learn_limit(self, sent: Mapping[str, Any], error: ServerError) -> None:
        named = next((name for name in LIMIT_NAMES if name in error.message and name != self._limit_name), None)
        largest = _find_largest(error.message, sent.get(self._limit_name))
        if largest is not None:
            self._largest[LIMIT] = largest
        elif self._limit_name == LIMIT:
            self._limit_name = named or LIMIT_NAMES[0]
        elif self._limit_name in error.names or _mentions(error.message, self._limit_name):
            self._left_out[LIMIT] = "the server takes no limit of tokens"

    def _learn_name(self, name: str, value: Any, error: ServerError) -> None:
        largest = _find_largest(error.message, value) if isinstance(value, int) and name == "top_logprobs" else None
        if largest:
            self._largest[name] = largest
        elif _OF_VALUE.search(error.message) and not isinstance(value, bool):
            known = _DEFAULT.search(error.message)
            default = f" ({known[1] or known[2]})" if known else ""
            warm = name == "temperature" and value == 0 and not known and _POSITIVE.search(error.message)
            told = (WARM, f"refused: {WARM} sent") if warm else (None, f"refused: the server's own{default}")
            self._instead[name, json.dumps(value, default=str)] = told
        else:
            self._left_out[name] = "the server does not take it"
            if name in TOGETHER:
                self._left_out[TOGETHER[name]] = "the server does not take it"


def fit_context(sent: Mapping[str, Any], error: ServerError) -> int | None:
    """The tokens that are left for the reply where a prompt and the limit together are longer than the context.

    None where the refusal says something else, or the prompt leaves no room worth asking for.
    """
    limit = next((sent[name] for name in (LIMIT, *LIMIT_NAMES) if isinstance(sent.get(name), int)), None)
    context, prompt = _CONTEXT.search(error.message), _PROMPT.search(error.message)
    if error.status not in LEARNT_FROM or limit is None or context is None or prompt is None:
        return None
    room = _read_number(context[1]) - _read_number(next(filter(None, prompt.groups())))
    return room if LEAST_ROOM <= room < limit else None


def _mentions(message: str, name: str) -> bool:
    """Whether a message speaks of a parameter; a name of one letter has to stand in quotes."""
    camel = re.sub(r"_(\w)", lambda part: part[1].upper(), name)
    names = "|".join(re.escape(one) for one in (name, camel))
    if len(name) == 1:
        return re.search(rf"['\"`]{name}['\"`]", message) is not None
    return re.search(rf"(?<![\w-])(?:{names})(?![\w-])", message, re.IGNORECASE) is not None


def _find_largest(message: str, asked: Any) -> int | None:
    """The largest value that a refusal allows, if it names one below what was asked."""
    if not isinstance(asked, int) or isinstance(asked, bool):
        return None
    numbers = [_read_number(found) for found in _LARGEST.findall(message)]
    return max((number for number in numbers if 0 < number < asked), default=None)


def _read_number(text: str) -> int:
    return int(text.replace(",", ""))


def _show(value: Any) -> str:
    return json.dumps(value, default=str)[:60]
