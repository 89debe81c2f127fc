"""A labeller's reply to a yes/no question: what it is asked, and how p(yes) and p(no) are read from what it says.

The tokens that a model can say yes and no with, in the four forms that RLAIF-V reads: yes, Yes, no, No.

A model behind an endpoint as a labeller: probabilities where its server gives them, words where it does not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from errata.endpoints import ChatClient, ChatFailure, ChatReply, ChatRequest, EndpointSettings, parse_endpoint
from errata.errors import ModelError
from errata.judges import JudgeFailure, JudgePrompt, JudgeReply, JudgeRequest, convert_reply
from errata.records import Turn
from errata.text import find_verdict_words, is_refusal, split_reasoning

FORMS = ("yes", "Yes", "no", "No")
MARKS = ("", "▁", "Ġ")
"""What stands before a word in a vocabulary, by the kind of tokenizer: nothing, or a blank in one of two spellings."""

TokenIds = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnswerTokens:
    """By form the token sequences that write it, and by form why there are none or how many there are.

    A form with tokens of its own, with or without a blank before it, is read from those alone. One that a tokenizer
    splits has its split sequences. No sequence belongs to two forms: a tokenizer that knows no capitals has one `yes`.
    """

    sequences: dict[str, tuple[TokenIds, ...]]
    notes: dict[str, str]

    @property
    def choices(self) -> tuple[int, ...]:
        """All tokens of all sequences, each once."""
        return tuple(sorted({token for found in self.sequences.values() for one in found for token in one}))

    @property
    def split(self) -> tuple[TokenIds, ...]:
        """The sequences of several tokens."""
        return tuple(one for found in self.sequences.values() for one in found if len(one) > 1)


def find_answer_tokens(tokenizer: Any, name: str) -> AnswerTokens:
    """The tokens of a tokenizer.

    Args:
        tokenizer: The model's.
        name: The model's, for an error.

    Raises:
        ModelError: It cannot write yes in any form, or no.
    """
    taken: dict[TokenIds, str] = {}
    sequences, notes = {}, {}
    for form in FORMS:
        found = _find_single(tokenizer, form) or _find_split(tokenizer, form)
        own = tuple(one for one in found if one not in taken)
        sequences[form] = own
        notes[form] = _describe(found, own, taken)
        taken |= dict.fromkeys(own, form)
    for side in (FORMS[:2], FORMS[2:]):
        if not any(sequences[form] for form in side):
            raise ModelError(
                name,
                expected=f"a tokenizer that can write {' or '.join(side)}",
                found=f"{side[1]}: {notes[side[1]]}",
                fix="label with another model",
            )
    return AnswerTokens(sequences, notes)


def _find_single(tokenizer: Any, form: str) -> tuple[TokenIds, ...]:
    vocabulary = tokenizer.get_vocab()
    return tuple((vocabulary[mark + form],) for mark in MARKS if mark + form in vocabulary)


def _find_split(tokenizer: Any, form: str) -> tuple[TokenIds, ...]:
    """At the start of a text and after a blank; none with an unknown token in it."""
    texts = (form, f" {form}")
    found = dict.fromkeys(tuple(tokenizer(text, add_special_tokens=False).input_ids) for text in texts)
    unknown = tokenizer.unk_token_id
    return tuple(one for one in found if one and (unknown is None or unknown not in one))


def _describe(found: tuple[TokenIds, ...], own: tuple[TokenIds, ...], taken: dict[TokenIds, str]) -> str:
    if not found:
        return "not in the vocabulary"
    if not own:
        return f"the same tokens as {taken[found[0]]}"
    return f"split into {len(own[0])} tokens" if len(own[0]) > 1 else "one token"


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


TOP = 20
"""Candidates asked for; OpenAI's protocol allows no more."""
_VERDICT_FIRST = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)
ASKED_FOR: Mapping[str, object] = {"logprobs": True, "top_logprobs": TOP}


class EndpointLabeller:
    """`openai:MODEL@URL`, asked for the log-probabilities of its first token.

    A server that refuses to give them, which one question finds out, is asked for words alone.
    """

    free = False

    def __init__(self, name: str, settings: EndpointSettings | None = None) -> None:
        endpoint = parse_endpoint(name)
        self.name, self.model = endpoint.name, f"openai:{endpoint.model}"
        self._client = ChatClient(endpoint, settings)
        self._extra: Mapping[str, object] | None = None

    def check(self, *, images: bool = True) -> None:  # noqa: ARG002 - what a server shows its model is not known
        """Raise ConfigError where the key is missing."""
        self._client.check()

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Ask one where it is not known yet what the server gives, then all others at once."""
        waiting = list(requests)
        if self._extra is None and waiting:
            self._find_out(waiting.pop(0), on_reply)
        self._send(waiting, ASKED_FOR if self._extra is None else self._extra, on_reply)

    def _find_out(self, request: JudgeRequest, on_reply: OnReply) -> None:
        """Whether the server takes a request for log-probabilities; a failure of another kind does not tell."""
        (reply,) = self._client.ask([_build_chat(request, ASKED_FOR)])
        if isinstance(reply, ChatFailure) and reply.kind == "bad request":
            (without,) = self._client.ask([_build_chat(request, {})])
            if isinstance(without, ChatReply):
                self._extra, reply = {}, without
        elif isinstance(reply, ChatReply):
            self._extra = ASKED_FOR
        on_reply(_convert(reply))

    def _send(self, requests: Sequence[JudgeRequest], extra: Mapping[str, object], on_reply: OnReply) -> None:
        def take(reply: ChatReply | ChatFailure) -> None:
            on_reply(_convert(reply))

        if requests:
            self._client.ask([_build_chat(request, extra) for request in requests], take)


def _build_chat(request: JudgeRequest, extra: Mapping[str, object]) -> ChatRequest:
    return ChatRequest(
        id=request.key,
        turns=(Turn("user", request.text),),
        images=request.call.images,
        max_tokens=request.max_tokens,
        temperature=request.parameters.temperature,
        seed=request.seed,
        max_pixels=request.parameters.max_pixels,
        extra=extra,
    )


def _begins_with_token(reply: ChatReply) -> bool:
    """Whether the first token is the beginning of the answer; of a model that thinks first it is that of a thought."""
    token = next((token.strip() for token, _ in reply.first_tokens), "")
    return bool(token) and split_reasoning(reply.text).answer.lstrip().startswith(token)


def _convert(reply: ChatReply | ChatFailure) -> JudgeReply | JudgeFailure:
    judged = convert_reply(reply)
    if isinstance(judged, JudgeFailure):
        return judged
    found = sum_forms(reply.first_tokens) if isinstance(reply, ChatReply) and _begins_with_token(reply) else None
    if found is not None:
        return replace(judged, text=write_label(found), finished=True)
    # The first word is the verdict: what the limit cut off behind it does not matter.
    return replace(judged, finished=judged.finished or bool(_VERDICT_FIRST.match(judged.text)))
