"""The preference record: one image and prompt with its responses, best first.

A pair has two levels, AMP's sets have K (arXiv 2405.11165); equal levels are ties and are never compared.

Turns of a conversation about images, and the question/answer pair that generation exchanges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from errata.errors import DataError, count_noun

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")

IMAGE_PLACEHOLDER = "<image>"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `<image>` in a user turn marks where an image stands; without any, images come first."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask a model: images and a conversation that ends with a user turn.

    `images` are paths as text, absolute or relative to a root folder that the reader is given. `followups` are what the
    user says next, turn by turn, each after the model's own answer to the turn before.
    """

    id: str
    images: tuple[str, ...]
    prompt: tuple[Turn, ...]
    meta: dict[str, Any] = field(default_factory=dict)
    followups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to the question of the same `id`. `finished` is False when `max_tokens` cut it off.

    `text` answers the last turn that was asked, `earlier` those before it, of a question with followups.
    """

    id: str
    text: str
    model: str = ""
    finished: bool = True
    meta: dict[str, Any] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()

    @property
    def rounds(self) -> tuple[str, ...]:
        """The answers to every turn, in the order they were given."""
        return (*self.earlier, self.text)


SEGMENT_TYPES = ("object", "position", "number", "attribute", "action", "misc")
"""The types of RLHF-V (arXiv 2312.00849, section 2)."""

MAX_LEVEL = 9999
"""A level above this is a slip of the pen; levels fit every integer type that they are stored in."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of a response that differs from the better text, with the span it replaces there.

    Offsets count Unicode code points, ends are exclusive. `start:end` lies in the response's own assistant turn
    number `round`, `better_start:better_end` in the same round of the best response (level 0). An empty own span is
    something that was left out; an empty better span is something that should not have been said.
    """

    start: int
    end: int
    better_start: int
    better_end: int
    type: str | None = None
    round: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer at a level: 0 is best, equal numbers are ties.

    `turns` begins and ends with an assistant turn; several rounds alternate with the user's further questions.
    """

    turns: tuple[Turn, ...]
    level: int
    segments: tuple[Segment, ...] = ()
    model: str | None = None

    @property
    def rounds(self) -> tuple[str, ...]:
        """The texts of the assistant turns, one per round."""
        return tuple(turn.text for turn in self.turns if turn.role == "assistant")

    @property
    def text(self) -> str:
        """The text of the first round; the whole answer where there is one round."""
        return self.turns[0].text


Problem = tuple[str, str, str, str]
"""A broken rule: the code of its error, what was expected, what was found, what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """Images, a shared prompt that ends with a user turn, and responses sorted best first."""

    id: str
    images: tuple[str, ...]
    prompt: tuple[Turn, ...]
    responses: tuple[Response, ...]
    source: str | None = None
    license: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = _find_problem(self)
        if problem is not None:
            code, expected, found, fix = problem
            raise DataError(f"record {self.id!r}", expected=expected, found=found, fix=fix, code=code)

    @property
    def levels(self) -> tuple[int, ...]:
        """The level of each response, ascending from 0."""
        return tuple(response.level for response in self.responses)


def _find_problem(record: Record) -> Problem | None:
    """The first broken rule."""
    if not record.id:
        return "field", "a non-empty id", "the id is empty", "give every record its own id"
    if not record.prompt or record.prompt[-1].role != "user":
        return "turns", "a prompt that ends with a user turn", "it does not", "put the question last"
    if not record.prompt[-1].text.replace(IMAGE_PLACEHOLDER, "").strip():
        return "empty", "a question", "an empty text in the last user turn", "write what was asked"
    if not all(record.images):
        return "field", "an image path", "an empty one", "name the file or leave the image out"
    placeholders = sum(turn.text.count(IMAGE_PLACEHOLDER) for turn in record.prompt)
    if placeholders not in (0, len(record.images)):
        return (
            "placeholder",
            f"as many {IMAGE_PLACEHOLDER} placeholders as images, or none",
            f"{count_noun(placeholders, 'placeholder')} for {count_noun(len(record.images), 'image')}",
            "remove the placeholders to put all images first",
        )
    if not record.responses:
        return "empty", "at least one response", "there is none", "add one or drop the row"
    for number, response in enumerate(record.responses):
        problem = _find_response_problem(response, record.responses[0])
        if problem is not None:
            code, expected, found, fix = problem
            return code, expected, f"response {number}: {found}", fix
    levels = list(record.levels)
    if levels[-1] > MAX_LEVEL:
        return "levels", f"levels up to {MAX_LEVEL}", f"level {levels[-1]}", "count levels from 0 without gaps"
    if levels[0] != 0 or levels != sorted(levels):
        return "levels", "responses sorted by level, from 0", f"levels {levels}", "sort the responses best first"
    texts = [response.rounds for response in record.responses]
    if len(set(texts)) < len(texts):
        return "identical", "responses that differ", "two are identical", "drop one of them"
    return None


def _find_response_problem(response: Response, best: Response) -> Problem | None:
    roles = [turn.role for turn in response.turns]
    if not roles or roles != ["assistant" if i % 2 == 0 else "user" for i in range(len(roles))] or len(roles) % 2 == 0:
        return (
            "turns",
            "assistant turns alternating with user turns",
            f"roles {roles}",
            "begin and end with the assistant",
        )
    if any(not text.strip() for text in response.rounds):
        return "empty", "a non-empty text in every round", "an empty text", "drop the response"
    return _find_segment_problem(response, best) if response.segments else None


def _find_segment_problem(response: Response, best: Response) -> Problem | None:
    rounds, better_rounds = response.rounds, best.rounds
    for segment in response.segments:
        if segment.type is not None and segment.type not in SEGMENT_TYPES:
            return (
                "segment",
                f"a segment type of {', '.join(SEGMENT_TYPES)}",
                f"type {segment.type!r}",
                "rename it or use null",
            )
        if not 0 <= segment.round < min(len(rounds), len(better_rounds)):
            return "segment", "a segment round that both texts have", f"round {segment.round}", "count rounds from 0"
        own, better = rounds[segment.round], better_rounds[segment.round]
        inside = 0 <= segment.start <= segment.end <= len(own)
        if not (inside and 0 <= segment.better_start <= segment.better_end <= len(better)):
            return (
                "segment",
                f"segment offsets inside texts of {len(own)} and {len(better)} characters",
                f"{segment.start}:{segment.end} for {segment.better_start}:{segment.better_end}",
                "count Unicode code points, ends exclusive",
            )
    return None
