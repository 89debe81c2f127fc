"""What a model thought aloud, apart from what it answered.

Models that reason write their thoughts between marks of their family and the answer behind them; a server with a parser
for the family takes the thoughts away, others leave them in the text. The marks here are those that chat templates and
the parsers of vLLM and SGLang know:

- tags, in either case: `<think>` (DeepSeek, Qwen, GLM, Kimi, MiniMax, …), `<thinking>`, `<thought>` (EXAONE),
  `<reasoning>` (Reka), `<analysis>` (Keye), `<seed:think>`, `<longcat_think>`; `[THINK]` (Mistral),
  `◁think▷` (Kimi-VL);
- control tokens: `<|begin_of_thought|>` (Sky-T1), `<|START_THINKING|>` (Cohere), `<|inner_prefix|>` (Apertus);
- channels: `<|channel|>analysis<|message|>` (gpt-oss), `<|channel>thought` (Gemma 4), and what is left of the former
  where special tokens were skipped (`analysis…assistantfinal…`);
- wrappers around the answer: `<answer>`, `<response>`, `<conclusion>`, `<|begin_of_solution|>`, `<|START_RESPONSE|>`,
  `<|begin_of_box|>`.

What of an answer counts: what was said, without the thoughts that a reasoning model wrote before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from errata.records import Answer
from errata.text.refusals import is_refusal

_NAMES = (
    r"(?:\w{1,12}:)?(?:longcat_)?think|thinking|thoughts?|thought_process|reasoning|reasoning_process|analysis"
    r"|reflection|scratchpad|inner_monologue"
)
_WRAPPERS = r"answer|final_answer|final|response|conclusion|solution|output"
_LATER = r"SUMMARY|CAPTION"
"""Stages of LLaVA-CoT before its conclusion; in capitals alone, as a caption in tags may be an answer."""


def _tag(names: str, close: str) -> str:
    """A tag in the brackets of any family, also as HTML escapes them."""
    return (
        rf"(?:<|&lt;)\|?{close}(?:{names})(?:\s[^<>\n]{{0,80}})?\|?(?:>|&gt;)"
        rf"|\[{close}(?:{names})\]|◁{close}(?:{names})▷"
    )


_OPEN = re.compile(
    rf"(?i:{_tag(_NAMES, '')}|<\|begin_of_thoughts?\|>|<\|START_THINKING\|>|<\|inner_prefix\|>|\[unused16\])"
    rf"|<(?:{_LATER})>"
)
_CLOSE = re.compile(
    rf"(?i:{_tag(_NAMES, '/')}|<\|end_of_thoughts?\|>|<\|END_THINKING\|>|<\|inner_suffix\|>|\[unused17\])"
    rf"|</(?:{_LATER})>"
)
_BEGIN_OR_END = re.compile(r"begin_of|end_of|start_|end_|prefix|suffix|unused1[67]|&[lg]t;|\s.*")
_WRAPPED = re.compile(
    rf"(?i)(?P<open>(?:<|&lt;)(?:{_WRAPPERS})(?:>|&gt;)|<\|begin_of_(?:solution|box|answer)\|>|<\|START_RESPONSE\|>)"
    rf"|(?P<close>(?:<|&lt;)/(?:{_WRAPPERS})(?:>|&gt;)|<\|end_of_(?:solution|box|answer)\|>|<\|END_RESPONSE\|>)"
)
_CHANNEL = re.compile(r"<\|channel\|?>\s*(\w*)(?:<\|constrain\|>)?[^<\n]{0,80}(?:<\|message\|>|\n|$)")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start)\|>|<channel\|>|<turn\|>|(?=<\|channel)")
_SKIPPED = re.compile(r"\s*(?:assistant)?analysis(?=[A-Z\"']|.*assistant\s*final)", re.S)
_SKIPPED_FINAL = re.compile(r"(?:<\|start\|>)?assistant\s*final(?:<\|message\|>)?")
_GRANITE = re.compile(
    r"(?i)\s*here(?:'s| is) my thought process:(?P<thoughts>.*?)(?:here(?:'s| is) my response:|\Z)", re.S
)


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A reply in two parts.

    Attributes:
        answer: What was said, without thoughts and wrappers; the text as it was where there were none. Empty where the
            thoughts did not end: nothing in them is an answer.
        reasoning: What was thought; empty where nothing was.
        finished: Whether the thoughts came to their end.
    """

    answer: str
    reasoning: str = ""
    finished: bool = True


def split_reasoning(text: str) -> Reasoned:
    """Thoughts and answer of a reply.

    All thoughts that have an end are taken out, wherever they stand. Before an end without a beginning everything is
    thought, as templates write the beginning into the prompt. A beginning without an end leaves no answer; in the
    middle of a line, where an answer may quote it, it is a word like others.
    """
    if "<|channel" in text:
        return _split_channels(text)
    skipped = _SKIPPED.match(text)
    if skipped:
        return _split_skipped(text, skipped.end())
    said, thought, finished = _take_thoughts(text)
    if not finished:
        return Reasoned("", thought, finished=False)
    answer, outside = _unwrap(said)
    return Reasoned(answer if answer == text else answer.strip(), _join((thought, outside)))


def strip_reasoning(text: str) -> str:
    """The answer alone; empty where the thoughts did not end."""
    return split_reasoning(text).answer


def _take_thoughts(text: str) -> tuple[str, str, bool]:
    """What was said, what was thought, and whether the thoughts ended."""
    granite = _GRANITE.match(text)
    if granite:
        return text[granite.end() :], granite["thoughts"], granite.end() < len(text)
    said: list[str] = []
    thought: list[str] = []
    at, last = 0, max((end.start() for end in _CLOSE.finditer(text)), default=-1)
    while at < len(text):
        opening, closing = _find_opening(text, at, said, last), _CLOSE.search(text, at)
        if closing and (opening is None or closing.start() < opening.start()):
            thought += [*said, text[at : closing.start()]]  # an end alone: all before it was thought
            said, at = [], closing.end()
        elif opening:
            said.append(text[at : opening.start()])
            end = _find_end(text, opening)
            if end is None:
                return "", _join([*thought, *said, text[opening.end() :]]), False
            thought.append(text[opening.end() : end.start()])
            at = end.end()
        else:
            break
    return "".join([*said, text[at:]]), _join(thought), True


def _find_opening(text: str, at: int, said: Sequence[str], last: int) -> re.Match[str] | None:
    """The next beginning before the last end, or before which nothing is said in its line."""
    for opening in _OPEN.finditer(text, at):
        if opening.end() <= last or _begins_line(text, at, opening.start(), said):
            return opening
    return None


def _begins_line(text: str, start: int, at: int, before: Sequence[str] = ()) -> bool:
    """Whether only blanks stand between the line's beginning and `at`, where the text from `start` follows `before`.

    It looks back no further than the last character that is no blank, so that a hostile line takes no longer.
    """
    pieces = chain([(text, start, at)], ((piece, 0, len(piece)) for piece in reversed(before)))
    for piece, first, end in pieces:
        for place in range(end - 1, first - 1, -1):
            if piece[place] == "\n":
                return True
            if not piece[place].isspace():
                return False
    return True


def _find_end(text: str, opening: re.Match[str]) -> re.Match[str] | None:
    """The end of the same name; where there is none, the last of any."""
    end = None
    for end in _CLOSE.finditer(text, opening.end()):
        if _name(end) == _name(opening):
            break
    return end


def _name(mark: re.Match[str]) -> str:
    return re.sub(r"[^a-z:]", "", _BEGIN_OR_END.sub("", mark[0].casefold()))


def _unwrap(text: str) -> tuple[str, str]:
    """What stands in the last wrapper, which may be cut off at either side, and what stands around it."""
    end: re.Match[str] | None = None
    closed: re.Match[str] | None = None
    for mark in reversed(list(_WRAPPED.finditer(text))):
        if mark["close"]:
            end, closed = mark, closed or mark
        elif end or _begins_line(text, 0, mark.start()):
            stop = end.start() if end else len(text)
            around = [text[: mark.start()], text[end.end() :] if end else ""]
            return text[mark.end() : stop], _join(part for part in around if not _WRAPPED.fullmatch(part.strip()))
    return (text[: closed.start()], text[closed.end() :].strip()) if closed else (text, "")


def _join(parts: Iterable[str]) -> str:
    return "\n".join(part.strip() for part in parts if part.strip())


def _split_channels(text: str) -> Reasoned:
    """The channels of gpt-oss, of which `final` is the answer, or Gemma's, behind which the answer stands."""
    said: list[str] = []
    thought: list[str] = []
    at, open_at_end = 0, False
    for channel in _CHANNEL.finditer(text):
        said.append(text[at : channel.start()])
        end = _CHANNEL_END.search(text, channel.end())
        content = text[channel.end() : end.start() if end else len(text)]
        is_final = channel[1].casefold() == "final"
        (said if is_final else thought).append(content)
        open_at_end = not end and not is_final
        at = end.end() if end else len(text)
    said.append(text[at:])
    answer = re.sub(r"<\|\w+\|?>(?:assistant)?|<\w+\|>", "", "".join(said)).strip()
    finished = bool(answer) and not open_at_end
    return Reasoned(answer if finished else "", _join(thought), finished)


def _split_skipped(text: str, start: int) -> Reasoned:
    """The channels of gpt-oss as they look where special tokens were left out."""
    final = list(_SKIPPED_FINAL.finditer(text, start))
    if not final:
        return Reasoned("", text[start:].strip(), finished=False)
    return Reasoned(text[final[-1].end() :].strip(), text[start : final[-1].start()].strip())


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer as it is judged and scored, and what is to be said about it.

    Attributes:
        answer: In every round what stands behind the thoughts; nothing where they did not end.
        reasoned: Whether there were thoughts.
        endless: Whether those of some round did not end.
        refused: Whether it is a refusal, to the last round where there are several.
    """

    answer: Answer
    reasoned: bool = False
    endless: bool = False
    refused: bool = False

    @property
    def marks(self) -> dict[str, bool]:
        """What holds of these, for an item."""
        found = {name: getattr(self, name) for name in ("reasoned", "endless", "refused")}
        return {name: True for name, holds in found.items() if holds}


def find_spoken(answer: Answer) -> Spoken:
    """The answer without its thoughts. What was stored stays as it is."""
    rounds = [split_reasoning(text) for text in answer.rounds]
    *earlier, last = [one.answer for one in rounds]
    said = replace(answer, text=last, earlier=tuple(earlier))
    reasoned = any(one.reasoning for one in rounds)
    return Spoken(said, reasoned, not all(one.finished for one in rounds), is_refusal(last))
