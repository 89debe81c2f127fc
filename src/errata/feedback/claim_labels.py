"""A labeller's reply to a yes/no question: what it is asked, and how p(yes) and p(no) are read from what it says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from errata.feedback.answer_tokens import FORMS
from errata.judges import JudgeFailure, JudgePrompt, JudgeReply

OnReply = Callable[[JudgeReply | JudgeFailure], None]

SUFFIX = " Please answer yes or no."
"""Behind every question to a model that is not asked in its own words; RLAIF-V's."""

LABEL = JudgePrompt(
    name="claim-label",
    version=1,
    text="Here is a question about the image.\n{question}\nLook at the image and answer with one word, Yes or No.",
    max_tokens=8,
)
"""For endpoints and recorded replies. A question stems from a judged answer, so it is quoted."""

PLAIN_LABEL = JudgePrompt(name="claim-label-plain", version=1, text="{question}", max_tokens=1)
"""For local models, which are asked the question alone: the tokens before it are shared."""

_WORD = re.compile(r"[^\W\d_]+")


def write_label(probabilities: Mapping[str, float]) -> str:
    """The reply of a labeller that knows the probability of each form."""
    return json.dumps({form: probabilities[form] for form in FORMS})


def sum_forms(tokens: Iterable[tuple[str, float]]) -> dict[str, float] | None:
    """The probability of each form from tokens and their log-probabilities; None where no token is one of them."""
    found = dict.fromkeys(FORMS, 0.0)
    known = [(token.strip(), logp) for token, logp in tokens if token.strip() in FORMS]
    for form, logp in known:
        found[form] += math.exp(min(logp, 0.0))
    return found if known else None


def read_label(reply: str) -> dict[str, Any]:
    """The verdict in a reply: `{"p_yes", "p_no", "from": "probabilities" or "words"}`.

    Words count as probabilities of 1 and 0.

    Raises:
        ValueError: The reply is neither yes nor no.
    """
    if reply.lstrip().startswith("{"):
        given = _read_probabilities(reply)
        return {"p_yes": given["yes"] + given["Yes"], "p_no": given["no"] + given["No"], "from": "probabilities"}
    words = [word.lower() for word in _WORD.findall(reply)]
    said = {word for word in words if word in ("yes", "no")}
    said = {words[0]} if words[:1] in (["yes"], ["no"]) else said
    if len(said) != 1:
        raise ValueError("neither yes nor no")
    return {"p_yes": float(said == {"yes"}), "p_no": float(said == {"no"}), "from": "words"}


def _read_probabilities(reply: str) -> dict[str, float]:
    """The probabilities by form. Raises ValueError where that is not what the reply is."""
    value = json.loads(reply)
    if value.keys() != set(FORMS) or not all(_is_probability(p) for p in value.values()):
        raise ValueError(f"neither words nor a probability of {', '.join(FORMS)} each")
    return {form: float(value[form]) for form in FORMS}


def _is_probability(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1.001  # rounding
