"""A labeller's reply to a yes/no question: what it is asked, and how p(yes) and p(no) are read from what it says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from errata.feedback.answer_tokens import FORMS
from errata.judges import JudgeFailure, JudgePrompt, JudgeReply
from errata.text import find_verdict_words, is_refusal

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

_FIRST = re.compile(r"[\W\d_]*(yes|no)\b(?! [a-z])", re.IGNORECASE)


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

    Words count as probabilities of 1 and 0. A sentence has no verdict, be it "There is a dog" or "There is no dog": the
    claim that it is about is not known here. Nor has a refusal.

    Raises:
        ValueError: The reply is neither yes nor no.
    """
    if reply.lstrip().startswith("{"):
        given = _read_probabilities(reply)
        return {"p_yes": given["yes"] + given["Yes"], "p_no": given["no"] + given["No"], "from": "probabilities"}
    said = find_verdict_words(reply)
    first = _FIRST.match(reply)
    if first:
        said = {"yes"} if first[1].lower() == "yes" else {"no"}
    if is_refusal(reply):
        said = set()
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
