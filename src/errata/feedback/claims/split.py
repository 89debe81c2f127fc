"""Answers -> claims with their yes/no questions, by a judge.

Answers -> claims with their yes/no questions, by rules: offline stand-ins for a judge that takes answers apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from errata.judges import Judge, JudgeCall, JudgePrompt, Verdict
from errata.text import find_sentences, find_words, strip_reasoning
from errata.world import exists_question, read_claims

ARROW = "=>"
NONE = "NONE"
WRONG_NUMBER = "wrong number of questions"
UNREADABLE = "claims that cannot be read"

SPLIT = JudgePrompt(
    name="claims-split",
    version=1,
    text=(
        "Here are a question about an image and an answer to it.\n{question}\n{answer}\n"
        "Take the answer apart into the single facts that it states about the image. Write each fact as one short "
        "statement that can be understood alone: names instead of pronouns, and one object, attribute, number, place "
        "or action each. Keep what the answer says, also where it is wrong and where it says that something is absent. "
        "Leave out opinions, guesses and whatever nobody could see in the image.\n"
        "Behind each statement put a question about the image to which the answer is yes exactly if the statement is "
        "true, in the same tense.\n"
        f"Reply with one line for each statement, of the form\n- STATEMENT {ARROW} QUESTION?\n"
        f"and with nothing else, or with the one word {NONE} if the answer states no such fact."
    ),
    max_tokens=2048,
)

_BULLET = re.compile(r"^\s*(?:[-*•–]+|\(?\d{1,3}[.):])\s+")
_MARKUP = re.compile(r"\*\*|__|`")


class Claim(NamedTuple):
    """A statement, and the question to which the answer is yes if it is true."""

    claim: str
    question: str


@dataclass(frozen=True, slots=True)
class ToSplit:
    """An answer with the question that it answers; `id` occurs once."""

    id: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Split:
    """What an answer states.

    Attributes:
        claims: In the order of the answer, each question once.
        ignored: Lines or sentences that are no claims.
        merged: Claims whose question another one had already; they count once.
        problem: Why there are no claims, in words that many answers share; empty where there are.
        detail: What was found in this one.
        verdict: What a judge said of it; None of a rule's.
    """

    claims: tuple[Claim, ...] = ()
    ignored: int = 0
    merged: int = 0
    problem: str = ""
    detail: str = ""
    verdict: Verdict | None = None


def build_split(claims: Sequence[Claim], ignored: int = 0) -> Split:
    """A split whose questions are asked once each. An answer without claims is a problem by name."""
    distinct = {claim.question.casefold(): claim for claim in reversed(claims)}
    kept = tuple(claim for claim in claims if distinct[claim.question.casefold()] is claim)
    return Split(kept, ignored, len(claims) - len(kept), "" if kept else "no claims in the answer")


def build_split_call(item: ToSplit) -> JudgeCall:
    """What a judge is asked about an answer."""
    return JudgeCall(item.id, SPLIT, {"question": item.question, "answer": item.answer}, parse_claims)


def read_split(verdict: Verdict) -> Split:
    """A judge's verdict as a split."""
    if verdict.status == "read":
        claims = [Claim(*pair) for pair in verdict.value["claims"]]
        return replace(build_split(claims, verdict.value["ignored"]), verdict=verdict)
    reason = verdict.samples[0].reason
    problem = WRONG_NUMBER if _read_lines(strip_reasoning(verdict.samples[0].raw)).lonely else UNREADABLE
    if verdict.status == "missing":
        problem = "the splitter gave no reply"
    return Split(problem=problem, detail=reason, verdict=verdict)


def ask_splitter(judge: Judge, items: Sequence[ToSplit], on_progress: Any = None) -> list[Split]:
    """Take answers apart, in their order. Raises as `Judge.ask`."""
    return [read_split(verdict) for verdict in judge.ask([build_split_call(item) for item in items], on_progress)]


def parse_claims(reply: str) -> dict[str, Any]:
    """The claims in a judge's reply: `{"claims": [[statement, question], ...], "ignored": lines}`.

    Lines that are no claims are passed over and counted: headings, and what is said around the list.

    Raises:
        ValueError: A statement without a question or a question without a statement, which leaves open which belongs to
            which; or neither a claim nor the word that says there is none.
    """
    lines, claims, lonely = _read_lines(reply)
    if lonely:
        raise ValueError(f"{WRONG_NUMBER}: {len(claims) + lonely} lines, {len(claims)} of them with both parts")
    if not claims and not any(line.strip(".- ") == NONE for line in lines):
        raise ValueError("no claim")
    said_none = 0 if claims else 1
    return {"claims": claims, "ignored": len(lines) - len(claims) - said_none}


class _Lines(NamedTuple):
    """A reply's lines, the claims among them, and how many have a statement or a question alone."""

    lines: list[str]
    claims: list[list[str]]
    lonely: int


def _read_lines(reply: str) -> _Lines:
    lines = [stripped for line in reply.splitlines() if (stripped := _MARKUP.sub("", line).strip())]
    claims, lonely = [], 0
    for line in lines:
        statement, arrow, question = (part.strip() for part in _BULLET.sub("", line).partition(ARROW))
        if statement and question.endswith("?"):
            claims.append([statement, question])
        elif arrow or _BULLET.match(line):
            lonely += 1
    return _Lines(lines, claims, lonely)


_CLAUSE_END = re.compile(r";\s+")
_OPINION = re.compile(
    r"\b(?:overall|perhaps|maybe|likely|possibly|probably|might|may|could|seems?|appears?|suggest(?:s|ing)?|creat(?:es|ing)|"
    r"atmosphere|feel(?:s|ing)?|beautiful|i think|i believe|it looks like)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(r"^(?:yes|no|and|but|also|additionally|in addition)\b\s*,\s*", re.IGNORECASE)
_BE = re.compile(r"\b(is|are|was|were|can)\b", re.IGNORECASE)
_LEAST_WORDS = 2
_LONGEST_SUBJECT = 6
"""Words before the verb; with more of them, the verb may be that of a clause inside."""


def split_by_rules(item: ToSplit) -> Split:
    """Every sentence is a claim, but for opinions and questions; it becomes a question by moving its verb to the front.

    A sentence that has no verb to move is quoted in a question of ours. It is coarser than a judge: a sentence with two
    facts is one claim.
    """
    sentences = [part for one in find_sentences(item.answer) for part in _CLAUSE_END.split(one.text)]
    stated = [sentence for sentence in sentences if _is_claim(sentence)]
    claims = [Claim(sentence, _ask(_HEDGE.sub("", sentence).rstrip(".!;: "))) for sentence in stated]
    return build_split(claims, len(sentences) - len(stated))


def split_world(item: ToSplit) -> Split:
    """The objects that a description of a synthetic scene names, each with the question that the bases learnt."""
    claims = read_claims(item.answer)
    named = [Claim(item.answer[one.start : one.end], exists_question(one.category)) for one in claims]
    sentences = sum(bool(part.strip()) for part in item.answer.split("."))
    return build_split(named, max(0, sentences - len(claims)))


RULES: dict[str, Callable[[ToSplit], Split]] = {"rules": split_by_rules, "world": split_world}
"""By the name that a user gives."""


def _is_claim(sentence: str) -> bool:
    return len(find_words(sentence)) >= _LEAST_WORDS and not sentence.endswith("?") and not _OPINION.search(sentence)


def _ask(statement: str) -> str:
    """A yes/no question to which the answer is yes if the statement is true."""
    verb = _BE.search(statement)
    if verb is None or not 1 <= len(find_words(statement[: verb.start()])) <= _LONGEST_SUBJECT:
        return f'Is this true of the image: "{statement}"?'
    subject, rest = statement[: verb.start()].strip(), statement[verb.end() :].strip()
    subject = subject if _keeps_capital(subject) else subject[0].lower() + subject[1:]
    return f"{verb[1].capitalize()} {subject} {rest}?"


def _keeps_capital(subject: str) -> bool:
    """Whether the first word is a name or a letter, as far as can be told: articles and pronouns are not."""
    first = subject.split()[0].lower()
    known = ("the", "a", "an", "there", "this", "these", "that", "it", "its", "they", "he", "she", "one", "two", "some")
    return first not in known
