"""A standard answer and one answer from each of several models, strong to weak -> records of K levels.

AMP's construction (arXiv 2405.11165, section 3.1), for models of different size and for copies of one that were tuned
on different amounts of data alike: the order of the models is taken for the order of their answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from errata.data import find_segments
from errata.errors import ConfigError
from errata.feedback.outcome import Feedback, Tally
from errata.feedback.style import close_levels
from errata.records import Answer, Question, Record, Response, Turn, describe_answers

LEVELS = range(2, 6)
"""So many levels can be made, the standard answer's included; AMP tried these."""

MissingRule = Literal["drop", "shorter"]
MISSING_RULES: tuple[MissingRule, ...] = get_args(MissingRule)
CutOffRule = Literal["missing", "keep"]
CUT_OFF_RULES: tuple[CutOffRule, ...] = get_args(CutOffRule)

USABLE, EQUAL = "usable", "equal to a better one"
FAILED, EMPTY, CUT_OFF, STOPPED = "no answer", "empty answer", "answer cut off", "conversation that stopped"


@dataclass(frozen=True, slots=True)
class Expert:
    """A model's answers by the prompt's id, and why others are missing."""

    name: str
    answers: Mapping[str, Answer]
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """What is done where an expert's answer cannot be used.

    Args:
        missing: `drop` leaves the prompt out, so that every record has the same levels but for equal answers;
            `shorter` leaves the level out.
        cut_off: `missing` treats an answer that `max_tokens` cut off as none, since a model would learn where it
            ends; `keep` keeps it.
        least: Records with fewer levels are left out.
    """

    missing: MissingRule = "drop"
    cut_off: CutOffRule = "missing"
    least: int = 2

    def __post_init__(self) -> None:
        for name, rules in (("missing", MISSING_RULES), ("cut_off", CUT_OFF_RULES)):
            value = getattr(self, name)
            if value not in rules:
                raise ConfigError(name, expected=f"one of {', '.join(rules)}", found=repr(value), fix="choose one")
        if self.least < 2:
            raise ConfigError("least", expected="at least 2 levels", found=str(self.least), fix="change --least")

    def require_fits(self, levels: int) -> None:
        """Raise ConfigError, before a model is asked, where no record could have enough of so many levels."""
        if self.least > levels:
            fix = "lower --least, or name more models"
            raise ConfigError(
                "least", expected=f"at most the {levels} levels there are", found=str(self.least), fix=fix
            )


def require_levels(experts: Sequence[str], where: str) -> None:
    """Raise ConfigError, before a model is asked, where names make too many levels or one comes twice."""
    count = 1 + len(experts)
    twice = [name for name, times in Counter(experts).items() if times > 1]
    if count in LEVELS and not twice:
        return
    expected = f"{LEVELS[0] - 1} to {LEVELS[-1] - 1} models that differ, for levels below the standard answer"
    found = f"{twice[0]} twice" if twice else f"{len(experts)} models"
    raise ConfigError(where, expected=expected, found=found, fix="name them strong to weak")


def list_questions(records: Iterable[Record]) -> list[Question]:
    """What the experts are asked: the prompts; the user's further turns after the standard answer are followups."""
    return [Question(record.id, record.images, record.prompt, followups=_list_followups(record)) for record in records]


def build_levels(
    method: str, records: Sequence[Record], experts: Sequence[Expert], settings: LevelSettings | None = None
) -> Feedback:
    """Put one answer of each expert below the standard answer.

    An answer equal to one above it but for white space at its ends is left out: the same text cannot be better and
    worse. Levels then close up. Segments are those of the word-level difference from the standard answer.

    Args:
        method: `meg` or `ig`.
        records: The first response of each is its standard answer; others are left out.
        experts: Strong to weak.
        settings: What is done with answers that cannot be used.

    Returns:
        Records whose `meta.missing_levels` names the experts that one lacks, why by name. `report.experts` counts what
        became of each expert's answers; `report.answered` is what `describe_answers` says of them.
    """
    settings = settings or LevelSettings()
    tally, kept, lost = Tally(len(records)), [], 0
    counts = [Counter[str]() for _ in experts]
    for record in records:
        found = _collect(record, experts, settings)
        for count, (state, _) in zip(counts, found.states, strict=True):
            count[state] += 1
        if _drop(record, found, experts, settings, tally):
            continue
        tally.keep()
        lost += sum(state == FAILED for state, _ in found.states)
        missing = {expert.name: state for expert, (state, _) in found.list_missing(experts)}
        meta = record.meta | ({"missing_levels": missing} if missing else {})
        kept.append(replace(record, responses=close_levels(found.responses), meta=meta))
    rows = [{"name": expert.name, **count} for expert, count in zip(experts, counts, strict=True)]
    answered = {expert.name: describe_answers(list(expert.answers.values())) for expert in experts}
    stated = {"experts": [expert.name for expert in experts], **asdict(settings)}
    return Feedback(method, find_segments(kept), tally, stated, {"experts": rows, "answered": answered}, lost)


@dataclass(frozen=True, slots=True)
class _Found:
    """The responses, and for every expert what became of its answer and why."""

    responses: list[Response]
    states: list[tuple[str, str]]

    def list_missing(self, experts: Sequence[Expert]) -> list[tuple[Expert, tuple[str, str]]]:
        pairs = zip(experts, self.states, strict=True)
        return [(expert, state) for expert, state in pairs if state[0] not in (USABLE, EQUAL)]


def _collect(record: Record, experts: Sequence[Expert], settings: LevelSettings) -> _Found:
    found = _Found([replace(record.responses[0], segments=())], [])
    said = {_strip(record.responses[0].rounds)}
    followups = _list_followups(record)
    for level, expert in enumerate(experts, 1):
        state, reason = _judge(expert, record.id, 1 + len(followups), settings)
        if state == USABLE:
            rounds = _strip(expert.answers[record.id].rounds)
            if rounds in said:
                state = EQUAL
            else:
                said.add(rounds)
                found.responses.append(Response(_take_turns(rounds, followups), level, model=expert.name))
        found.states.append((state, reason))
    return found


def _judge(expert: Expert, prompt: str, rounds: int, settings: LevelSettings) -> tuple[str, str]:
    """Whether an expert's answer can be used, and else why not."""
    answer = expert.answers.get(prompt)
    if answer is None:
        return FAILED, expert.missing.get(prompt, "it was not asked")
    if len(answer.rounds) != rounds:
        return STOPPED, f"{len(answer.rounds)} of {rounds} rounds, {answer.meta.get('stopped', 'no reason given')}"
    if not all(text.strip() for text in answer.rounds):
        return EMPTY, ""
    if not answer.finished and settings.cut_off == "missing":
        return CUT_OFF, "at the longest answer that was allowed"
    return USABLE, ""


def _drop(record: Record, found: _Found, experts: Sequence[Expert], settings: LevelSettings, tally: Tally) -> bool:
    """Whether the prompt gets no record; if so, the tally knows why."""
    missing = found.list_missing(experts)
    if missing and settings.missing == "drop":
        # A failure counts first: asking again may help.
        expert, (state, reason) = min(missing, key=lambda one: one[1][0] != FAILED)
        tell = tally.fail if state == FAILED else tally.drop
        tell(record.id, f"{state} of {expert.name}", reason)
        return True
    if len(found.responses) < settings.least:
        failed = [(expert, reason) for expert, (state, reason) in missing if state == FAILED]
        if failed:
            tally.fail(record.id, f"{FAILED} of {failed[0][0].name}", failed[0][1])
        else:
            states = ", ".join(
                f"{state} of {expert.name}" for expert, (state, _) in zip(experts, found.states, strict=True)
            )
            tally.drop(record.id, f"fewer than {settings.least} levels", states)
        return True
    return False


def _strip(rounds: Sequence[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in rounds)


def _list_followups(record: Record) -> tuple[str, ...]:
    return tuple(turn.text for turn in record.responses[0].turns if turn.role == "user")


def _take_turns(rounds: Sequence[str], followups: Sequence[str]) -> tuple[Turn, ...]:
    turns = [Turn("assistant", rounds[0])]
    for followup, text in zip(followups, rounds[1:], strict=True):
        turns += [Turn("user", followup), Turn("assistant", text)]
    return tuple(turns)
