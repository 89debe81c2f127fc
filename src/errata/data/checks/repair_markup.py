"""Turns that a template has rendered, end tokens and messages as text become plain words, where they say themselves
what was meant: a row as JSON in, a row out.

As in `repair_row`, a row of another form raises what Python says about it.

Another tool's marks of pictures become ours, where they say themselves which picture they mean: a row as JSON in, a
row out.

As in `repair_row`, a row of another form raises what Python says about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from errata.data.checks.repair_row import Row, diff_rounds, list_rounds
from errata.records import IMAGE_PLACEHOLDER
from errata.text import Markup, find_markup, parse_messages_text

_LONGEST = 20_000
"""Characters of a rendered question that is taken apart; what is longer is no single question."""

_WORDS = r"(?P<words>(?:.|\n)+?)"
_SYSTEM = r"(?P<system>(?:.|\n)*?)"
_SINGLE_TURNS = tuple(
    re.compile(form)
    for form in (
        rf"(?:USER|User|HUMAN|Human) ?:{_WORDS}(?:ASSISTANT|Assistant|GPT) ?:",
        rf"### ?(?:Human|User|Instruction) ?:{_WORDS}### ?(?:Assistant|Response|GPT) ?:",
        rf"(?:<\|im_start\|>system\n{_SYSTEM}<\|im_end\|>\s*)?<\|im_start\|>user\n{_WORDS}<\|im_end\|>\s*"
        r"(?:<\|im_start\|>assistant)?",
        rf"(?:<s>\s*)?\[INST\](?:\s*<<SYS>>{_SYSTEM}<</SYS>>)?{_WORDS}\[/INST\]",
        rf"(?:<bos>)?<start_of_turn>user\n{_WORDS}<end_of_turn>\s*(?:<start_of_turn>model)?",
        r"(?:<\|begin_of_text\|>)?(?:<\|start_header_id\|>system<\|end_header_id\|>"
        rf"{_SYSTEM}<\|eot_id\|>\s*)?<\|start_header_id\|>user<\|end_header_id\|>{_WORDS}<\|eot_id\|>\s*"
        r"(?:<\|start_header_id\|>assistant<\|end_header_id\|>)?",
        rf"(?:<\|system\|>{_SYSTEM}<\|end\|>\s*)?<\|user\|>{_WORDS}<\|end\|>\s*(?:<\|assistant\|>)?",
        rf"User:{_WORDS}<end_of_utterance>\s*Assistant:",
    )
)
"""One question as the templates of the field write it, to the place where the answer begins."""

_BEFORE_ANSWERS = tuple(re.compile(rf"\s*{form.pattern.rstrip('?')}\s*") for form in _SINGLE_TURNS)
"""The same with that place, where words follow."""

_OPENED = re.compile(
    r"\s*(?:<\|im_start\|>assistant\n|<start_of_turn>model\n|<\|start_header_id\|>assistant<\|end_header_id\|>"
    r"|<\|assistant\|>|assistant\n|ASSISTANT ?:(?=\s)|### ?(?:Assistant|Response|GPT) ?:(?=\s))\s*"
)
"""What the templates write where an answer begins."""


def unwrap_prompt(row: Row) -> Row:
    """The row with a question that a template has rendered as it was before; its system turn becomes one."""
    turns = list_turns(row["prompt"])
    if turns[-1]["role"] != "user" or any(turn["role"] != "system" for turn in turns[:-1]):
        return row
    text = turns[-1]["text"].strip()
    for form in _SINGLE_TURNS if len(text) <= _LONGEST else ():
        match = form.fullmatch(text)
        words = match["words"].strip() if match else ""
        if match is None or not words or _holds_turns(words):
            continue
        system = (match.groupdict().get("system") or "").strip()
        if system and (len(turns) > 1 or _holds_turns(system)):
            return row
        before = [{"role": "system", "text": system}] if system else turns[:-1]
        return row | {"prompt": like_prompt(row["prompt"], [*before, turns[-1] | {"text": words}])}
    return row


def _holds_turns(words: str) -> bool:
    """Whether there is more than one turn's words: then what belongs to whom is not plain."""
    speaker = re.search(r"(?:\A|\s)(?:USER|User|Human|HUMAN|ASSISTANT|Assistant|GPT) ?:", words)
    return speaker is not None or any(one.kind in ("rendered", "end-token") for one in find_markup(words))


def cut_opening(row: Row) -> Row:
    """The row with answers that begin with what a template writes before them, or with the whole question as it
    renders it, without it."""
    asked = _join_words(list_turns(row["prompt"])[-1]["text"])

    def find(text: str) -> tuple[int, int]:
        match = _OPENED.match(text) or _match_question(text, asked)
        return match.end() if match else 0, len(text)

    return _slice_answers(row, find)


def _match_question(text: str, asked: str) -> re.Match[str] | None:
    """The rendered question that a text begins with, where its words are those of the prompt."""
    for form in _BEFORE_ANSWERS if len(text) <= _LONGEST else ():
        match = form.match(text)
        if match and _join_words(match["words"]) == asked:
            return match
    return None


def _join_words(text: str) -> str:
    return " ".join(text.replace(IMAGE_PLACEHOLDER, " ").split())


def unwrap_messages(row: Row) -> Row:
    """The row with questions and answers that are messages as text, of one message or with a system turn before it, as
    the words of these. Segments of such answers are found anew; where they have types, the row stays."""
    prompt, responses = row["prompt"], row["responses"]
    words = [_unwrap_answer(response) for response in responses]
    asked = _unwrap_question(prompt) if isinstance(prompt, str) else None
    row = row if asked is None else row | {"prompt": asked}
    if not any(words) or any(one.get("type") for response in responses for one in response.get("segments", ())):
        return row
    plain = [
        response if text is None else response | {"text": text} for response, text in zip(responses, words, strict=True)
    ]
    best = list_rounds(plain[0])
    return row | {"responses": [_diff_again(response, best) for response in plain]}


def _unwrap_question(prompt: str) -> Any:
    messages = parse_messages_text(prompt) or []
    turns = [
        {"role": {"human": "user"}.get(speaker, speaker), "text": text}
        for speaker, text in map(_read_message, messages)
        if text
    ]
    if len(turns) != len(messages) or [turn["role"] for turn in turns] not in (["user"], ["system", "user"]):
        return None
    return like_prompt(prompt, turns)


def _unwrap_answer(response: Row) -> str | None:
    messages = parse_messages_text(response["text"]) if "text" in response else None
    if messages is None or len(messages) != 1:
        return None
    speaker, text = _read_message(messages[0])
    return text if speaker in ("assistant", "gpt") else None


def _read_message(message: Mapping[str, Any]) -> tuple[str, str | None]:
    """Who speaks, and a text that is not empty; None for parts and for nothing."""
    text = message.get("content", message.get("value"))
    return message.get("role", message.get("from")), text if isinstance(text, str) and text.strip() else None


def _diff_again(response: Row, best: list[str]) -> Row:
    return (
        response | {"segments": list(diff_rounds(list_rounds(response), best, {}))} if response["level"] else response
    )


def cut_end_tokens(row: Row) -> Row:
    """The row with answers that end with tokens that end texts, or begin with one that begins them, without these."""
    return _slice_answers(row, _find_inside)


def _find_inside(text: str) -> tuple[int, int]:
    start, end = 0, len(text)
    tokens = [one for one in find_markup(text, "assistant") if one.kind == "end-token"]
    for one in tokens:
        if not text[start : one.start].strip() and one.end < len(text.rstrip()):
            start = one.end
    for one in reversed(tokens):
        if one.start >= start and not text[one.end : end].strip():
            end = one.start
    end = len(text) if end == len(text) else len(text[:end].rstrip())
    return start, end


@dataclass(frozen=True, slots=True)
class _Cut:
    """The part of a text of `length` characters that is kept."""

    start: int
    end: int
    length: int

    def apply(self, text: str) -> str:
        return text[self.start : self.end]

    def shift(self, place: int) -> int:
        """A place in what is kept; one outside of the text stays outside."""
        return min(max(place, self.start), self.end) - self.start if 0 <= place <= self.length else place


def _slice_answers(row: Row, find: Callable[[str], tuple[int, int]]) -> Row:
    """The row with the part of every answer's rounds that `find` gives, where it is not empty; segments move along."""
    cuts = [[_cut(turn["text"], find) for turn in _list_answers(response)] for response in row["responses"]]
    pairs = zip(row["responses"], cuts, strict=True)
    return row | {"responses": [_slice_response(response, own, cuts[0]) for response, own in pairs]}


def _cut(text: str, find: Callable[[str], tuple[int, int]]) -> _Cut:
    start, end = find(text)
    return _Cut(start, end, len(text)) if text[start:end].strip() else _Cut(0, len(text), len(text))


def _list_answers(response: Row) -> list[Row]:
    turns = [{"role": "assistant", "text": response["text"]}] if "text" in response else response["turns"]
    return [turn for turn in turns if turn["role"] == "assistant"]


def _slice_response(response: Row, own: Sequence[_Cut], best: Sequence[_Cut]) -> Row:
    sliced, waiting = dict(response), iter(own)
    if "text" in response:
        sliced["text"] = own[0].apply(response["text"])
    else:
        sliced["turns"] = [
            turn | {"text": next(waiting).apply(turn["text"])} if turn["role"] == "assistant" else turn
            for turn in response["turns"]
        ]
    if response.get("segments"):
        moved = [(segment, _move(segment, own, best)) for segment in response["segments"]]
        sliced["segments"] = [after for before, after in moved if _spans(after) or not _spans(before)]
    return sliced


def _move(segment: Row, own: Sequence[_Cut], best: Sequence[_Cut]) -> Row:
    number = segment.get("round") or 0
    places = {"start": own, "end": own, "better_start": best, "better_end": best}
    return segment | {name: cuts[number].shift(segment[name]) for name, cuts in places.items()}


def _spans(segment: Row) -> bool:
    """Whether it spans a character of either text, which it does no more where all of it was cut."""
    return bool(segment["start"] < segment["end"] or segment["better_start"] < segment["better_end"])


def list_turns(prompt: Any) -> list[Row]:
    """The turns of a prompt in its short form or its long one."""
    return [{"role": "user", "text": prompt}] if isinstance(prompt, str) else prompt


def like_prompt(prompt: Any, turns: list[Row]) -> Any:
    """The turns in the form that the prompt had, where that holds them."""
    return turns[0]["text"] if isinstance(prompt, str) and len(turns) == 1 else turns


_REPEATED = re.compile(r"(<[^<>]{1,40}>|\[img\])\1+")
_NUMBER = re.compile(r"\d{1,3}")
_PATH = re.compile(r"<img>([^<>]+)</img>|!\[[^\]]*\]\(([^()]+)\)|\bsrc=[\"']?([^\"'>\s]+)", re.IGNORECASE)


def mark_pictures(row: Row, names: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Row:
    """The row with `<image>` for another tool's marks in the prompt, where these name each of its pictures once.

    Marks that are numbered, or name files that the pictures are named like, bring the pictures into their order.
    Without numbers and names there must be as many as pictures.

    Args:
        row: The row.
        names: What a picture was called before an import named it by its content.
    """
    prompt, images = list_turns(row["prompt"]), row["images"]
    if any(IMAGE_PLACEHOLDER in turn["text"].replace(f"<im_start>{IMAGE_PLACEHOLDER}<im_end>", "") for turn in prompt):
        return row
    found = [
        [one for one in find_markup(turn["text"], turn["role"]) if one.kind == "image-mark"]
        if turn["role"] == "user"
        else []
        for turn in prompt
    ]
    called = [{PurePosixPath(name).name for name in (image, *names.get(image, ()))} for image in images]
    order = _find_order([one.text for marks in found for one in marks], called)
    if order is None:
        return row
    turns = [turn | {"text": _replace(turn["text"], marks)} for turn, marks in zip(prompt, found, strict=True)]
    return row | {"prompt": like_prompt(row["prompt"], turns), "images": [images[place] for place in order]}


def _find_order(marks: Sequence[str], images: Sequence[set[str]]) -> list[int] | None:
    """Which picture, of those with these names, each mark stands for; None where they do not say, or do not name each
    once."""
    if len(marks) != len(images) or not marks:
        return None
    numbers, paths = [_find_number(mark) for mark in marks], [_find_path(mark) for mark in marks]
    everything = list(range(len(images)))
    if None not in numbers:
        first = min(number for number in numbers if number is not None)
        order = [number - first for number in numbers if number is not None]
        return order if first in (0, 1) and sorted(order) == everything else None
    if any(number is not None for number in numbers):
        return None
    if len(images) == 1:
        return everything
    if None not in paths:
        order = [place for path in paths for place in everything if path in images[place]]
        return order if sorted(order) == everything else None
    kinds = {_REPEATED.sub(r"\1", mark.lower()) for mark in marks}
    return everything if not any(paths) and len(kinds) == 1 else None


def _find_number(mark: str) -> int | None:
    """The number of a numbered mark, such as `<image_1>`; the paths of others may hold digits too."""
    number = _NUMBER.search(mark)
    return int(number[0]) if number and re.fullmatch(r"\W*[A-Za-z]+[ _:#-]?\d{1,3}\W*", mark) else None


def _find_path(mark: str) -> str | None:
    path = _PATH.search(mark)
    return PurePosixPath(next(filter(None, path.groups()))).name if path else None


def _replace(text: str, marks: Sequence[Markup]) -> str:
    for one in reversed(marks):
        text = text[: one.start] + IMAGE_PLACEHOLDER + text[one.end :]
    return text
