"""What other tools write into texts and a model would learn as words: their marks of pictures, turns that a chat
template has rendered already, the tokens that end turns, and messages as JSON.

A text about such things is no text with them: what stands in backquotes is never found, nor are tags of HTML, Markdown
inside a sentence, a speaker's name that opens a line, and transcripts.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from errata.errors import DataError
from errata.records import Question, Role, Turn

MARKUP = {
    "image-mark": ("a picture's mark of another tool", "write <image> where a picture stands"),
    "rendered": (
        "a turn that a chat template has rendered",
        "keep its words alone: the model's template goes around them",
    ),
    "end-token": ("a token that begins or ends texts", "remove it: the model's template ends turns"),
    "foreign-token": ("a token of another model", "remove it, or take a model whose tokenizer has it"),
    "messages": ("messages as text", "keep the words of the message alone"),
}
"""What is found, by kind: what it is, and what to do about it."""

_PICTURE = r"(?:image|img|imgs|picture|pic|photo)"
_PART = r"(?:pad|start|end|token|soft_token|placeholder|context|patch|begin|break|newline|here|sep)"
_IMAGE_MARKS = re.compile(
    rf"<\|vision_start\|>(?:<\|(?:image|video)_pad\|>)*<\|vision_end\|>"
    rf"|<start_of_image>(?:<image_soft_token>)*(?:<end_of_image>)?"
    rf"|<im_start>(?:<im_patch>|<image>)*<im_end>"
    rf"|<img>(?:<\|?(?!img>)\w{{1,40}}\|?>)*[^<>\n]{{0,500}}</img>"
    rf"|<\|?{_PICTURE}(?:[ _:#-]?\d{{1,3}}|_{_PART}|{_PART})\|?>"
    rf"|\(?<image>\./</image>\)?"
    rf"|<\|\w{{0,20}}(?:image|vision|video|img|media)\w{{0,30}}\|>"
    rf"|<(?:im_start|im_end|im_patch|boi|eoi|start_of_image|end_of_image|image_soft_token|fake_token_around_image"
    rf"|global-img|row_\d{{1,2}}_col_\d{{1,2}})>",
    re.IGNORECASE,
)
_PIXTRAL_RUN = re.compile(r"(?:\[IMG(?:_BREAK|_END)?\])+")
# These are HTML, Markdown and plain words too: marks only where a question begins or ends with one, or on its own line.
_PLAIN_MARK = (
    rf"(?:<{_PICTURE} ?/?>(?<!(?-i:<image>))|<(?:video|audio)>|\[{_PICTURE}(?:[ _:#-]?\d{{1,3}})?\]"
    rf"|\{{{{?{_PICTURE}(?:[ _:#-]?\d{{1,3}})?\}}?\}}|<{_PICTURE} [^<>\n]{{1,500}}>"
    r"|!\[[^\]\n]{0,200}\]\((?:[^()\s]{1,500}\.(?:jpe?g|png|webp|gif|bmp|tiff?)|data:image/[^()\s]+)?\))"
)
_EDGE_MARKS = re.compile(
    rf"(?<![^\n])[ \t]*(?P<line>(?:{_PLAIN_MARK}[ \t]*)+)(?=\n|\Z)"
    rf"|\A\s*(?P<first>{_PLAIN_MARK})(?-i:(?=\s?[A-Z]|[a-z<]))"
    rf"|(?<=\s)(?P<last>{_PLAIN_MARK})\s*\Z",
    re.IGNORECASE,
)

_TURN_TOKENS = re.compile(
    r"<\|(?:im_start|im_sep|start_header_id|end_header_id|user|assistant|system|start|message|channel|turn"
    r"|(?:START_OF_TURN|USER|CHATBOT|SYSTEM)_TOKEN|header_start|header_end)\|?>"
    r"|<start_of_turn>|\[/?INST\]|<</?SYS>>|\[/?SYSTEM_PROMPT\]|<｜(?:User|Assistant)｜>"
)
_END_TOKENS = re.compile(
    r"<\|(?:im_end|endoftext|end_of_text|eot_id|eom_id|eot|end|end_of_turn|endofturn|END_OF_TURN_TOKEN|return"
    r"|begin_of_text|startoftext|begin_of_sentence|end_of_sentence)\|>"
    r"|<(?:end_of_turn|end_of_utterance|eos|bos|eod|eot|pad|unk|turn\|)>|\[EOS\]|\[BOS\]|\[EOT\]"
    r"|<｜(?:begin|end)▁of▁sentence｜>"
)
_OTHER_TOKENS = re.compile(
    r"<\|[A-Za-z][\w:/.-]{2,40}\|>|<｜[^<>｜\n]{1,40}｜>"
    r"|<(?:ref-object|reserved_\d+)>|<bbox>(?![^<>\n]*</bbox>)"
    r"|<(?:fim_(?:prefix|middle|suffix|pad)|loc\d{4}|seg\d{3}|extra_id_\d+|unused\d+|patch_index_\d+)>"
    r"|<(?P<tag>box|quad)>[\d\s.,()\[\]]{1,200}</(?P=tag)>|<ref>[^<>\n]{1,200}</ref>(?=\s*<(?:box|quad)>)"
)

_ASKS = re.compile(r"(?:USER|HUMAN|User|Human|### ?(?:Human|User|Instruction|USER|HUMAN)) ?:")
_ASKS_LOUDLY = re.compile(r"(?<!\S)(?:USER|HUMAN|### ?(?:Human|User|Instruction|USER|HUMAN)) ?:(?!\S)")
_SAYS_LOUDLY = re.compile(r"(?<!\S)(?:ASSISTANT|### ?(?:Assistant|Response|GPT|ASSISTANT)) ?:(?!\S)")
_LEFT_OPEN = re.compile(r"(?<!\S)(?:ASSISTANT|GPT|Assistant|### ?(?:Assistant|Response|GPT|ASSISTANT)) ?:\s*\Z")
_RUNS_ON = re.compile(r"(?<=\s)(?:(?:USER|HUMAN|### ?(?:Human|User|USER|HUMAN)) ?:\s*\Z|### ?(?:Human|HUMAN) ?:)")
_FIRST_PICTURES = re.compile(r"\s*(?:<image>\s*)*")
_HEADINGS = re.compile(r"USER|HUMAN|User ?:|Human ?:|ASSISTANT|Assistant ?:|GPT ?:|### ?[A-Z]|\Aassistant\n|user\n")
_MAYBE = re.compile(r"<|\[|\{|!\[")
_CODE = re.compile(r"```(?:.|\n)*?(?:```|\Z)|`[^`\n]+`")
_MESSAGES = re.compile(r"""\s*[\[{]\s*(?:\{\s*)?['"](?:role|from|content|value|messages|conversations?)['"]\s*:""")
_SPEAKERS = {"user", "assistant", "system", "human", "gpt"}
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Markup:
    """A span of a text that is another tool's: its kind, a key of `MARKUP`, and what stands there."""

    kind: str
    start: int
    end: int
    text: str

    def describe(self) -> str:
        """What it is, and its beginning."""
        shown = self.text if len(self.text) <= _SHOWN else self.text[: _SHOWN - 1] + "…"
        return f"{MARKUP[self.kind][0]}, {shown!r} at {self.start}"


def find_markup(text: str, role: Role = "user") -> list[Markup]:
    """All of another tool's markup in one turn, in its order and without overlaps; the text's own `<image>` is none.

    Args:
        text: The words of the turn.
        role: Who says it: where questions have marks of pictures, answers have words about them.
    """
    found: list[Markup] = []
    if _MAYBE.search(text):
        found += _find_tokens(text, role)
    if (":" in text or "\n" in text) and _HEADINGS.search(text):  # most answers have neither
        found += _find_headings(text, role)
    if not found:
        return found
    code = [match.span() for match in _CODE.finditer(text)] if "`" in text else []
    return _drop_overlaps([one for one in found if not any(start <= one.start < end for start, end in code)])


def require_plain(text: str, role: Role, where: str, is_token: Callable[[str], bool] | None = None) -> None:
    """Refuse a turn that holds another tool's markup.

    Args:
        text: The words of the turn.
        role: Who says it.
        where: Begins the error.
        is_token: Whether a text is one token of the model that reads the turn, and so no words to it; None where
            that is not known, and a `foreign-token` may be its own.

    Raises:
        DataError: It does.
    """
    for one in find_markup(text, role):
        if one.kind != "foreign-token" if is_token is None else not is_token(one.text):
            expected, fix = "text without another tool's markup", MARKUP[one.kind][1]
            raise DataError(where, expected=expected, found=one.describe(), fix=fix)


def require_plain_question(question: Question) -> None:
    """Refuse a question that holds another tool's markup, whose model is not known yet.

    To the model it would be words, and the template would go around a rendered turn once more.

    Raises:
        DataError: It does.
    """
    for turn in (*question.prompt, *(Turn("user", text) for text in question.followups)):
        require_plain(turn.text, turn.role, f"question {question.id!r}")


def parse_messages_text(text: str) -> list[Mapping[str, Any]] | None:
    """The messages that a text spells out, as JSON or as Python prints them; None for any other text."""
    if not _MESSAGES.match(text):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        return _list_messages(value)
    return None


def _list_messages(value: Any) -> list[Mapping[str, Any]] | None:
    if isinstance(value, dict):
        inner = next((value[name] for name in ("messages", "conversations", "conversation") if name in value), [value])
        value = inner if isinstance(inner, list) else [value]
    return value if isinstance(value, list) and value and all(map(_is_message, value)) else None


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    speaker = value.get("role", value.get("from"))
    return isinstance(speaker, str) and speaker in _SPEAKERS and not value.keys().isdisjoint(("content", "value"))


def _find_tokens(text: str, role: Role) -> Iterator[Markup]:
    if parse_messages_text(text) is not None:
        yield Markup("messages", 0, len(text), text)
        return
    for kind, pattern in (
        ("image-mark", _IMAGE_MARKS),
        ("rendered", _TURN_TOKENS),
        ("end-token", _END_TOKENS),
        ("foreign-token", _OTHER_TOKENS),
    ):
        for match in pattern.finditer(text):
            yield Markup(kind, *match.span(), match[0])
    for run in _PIXTRAL_RUN.finditer(text):
        for match in re.finditer(
            r"(?:\[IMG(?:_BREAK)?\])+\[IMG_END\]|\[IMG\]" if "_END" in run[0] else r"\[IMG\]", run[0]
        ):
            yield Markup("image-mark", run.start() + match.start(), run.start() + match.end(), match[0])
    yield from _find_strikes(text)
    if role == "user":
        yield from _find_edge_marks(text)


def _find_strikes(text: str) -> Iterator[Markup]:
    """`<s>` where a text begins and `</s>`, which are HTML where words between them are struck out."""
    begins = re.match(r"\s*<s>(?!.*</s>\s*\S)", text, re.DOTALL)
    if begins:
        yield Markup("end-token", begins.end() - 3, begins.end(), "<s>")
    is_open = False
    for match in re.finditer(r"</?s>", text):
        if match[0] == "<s>":
            is_open = not begins or match.start() > begins.end() - 3
        elif not is_open:
            yield Markup("end-token", *match.span(), "</s>")
        else:
            is_open = False


def _find_edge_marks(text: str) -> Iterator[Markup]:
    for match in _EDGE_MARKS.finditer(text):
        name = str(match.lastgroup)
        for mark in re.finditer(_PLAIN_MARK, match[name], re.IGNORECASE):
            start = match.start(name) + mark.start()
            yield Markup("image-mark", start, start + len(mark[0]), mark[0])


def _find_headings(text: str, role: Role) -> Iterator[Markup]:
    span = _find_rendered_answer(text) if role == "assistant" else _find_rendered_question(text)
    if span is not None:
        yield Markup("rendered", *span, text[slice(*span)])


def _find_rendered_question(text: str) -> tuple[int, int] | None:
    """From the speaker's name to where the assistant is to speak; names in lower case count only if they begin and end
    the text, as transcripts hold them too."""
    begin = _FIRST_PICTURES.match(text)
    start = begin.end() if begin else 0
    asks, loud, left_open = _ASKS.match(text, start), _ASKS_LOUDLY.search(text), _LEFT_OPEN.search(text)
    if left_open and (first := asks or loud):
        return first.start(), len(text)
    if loud and loud.start() == start and (says := _SAYS_LOUDLY.search(text, loud.end())):
        return start, says.end()
    if asks and (picture := re.compile(r"\s*<image>").match(text, asks.end())):
        return start, picture.end()
    if left_open and _SAYS_LOUDLY.match(text, left_open.start()):
        return left_open.span()
    bare = text.strip().startswith(("user\n", "system\n")) and "user\n" in text
    return (0, len(text)) if bare and text.rstrip().endswith(("\nassistant", "\nmodel")) else None


def _find_rendered_answer(text: str) -> tuple[int, int] | None:
    """The assistant's name where the answer begins, or a next question that a model wrote itself."""
    start = len(text) - len(text.lstrip())
    if says := _SAYS_LOUDLY.match(text, start):
        return says.span()
    if text.startswith("assistant\n", start):
        return start, start + len("assistant\n")
    if (loud := _ASKS_LOUDLY.search(text)) and (says := _SAYS_LOUDLY.search(text, loud.end())):
        return loud.start(), says.end()
    runs_on = _RUNS_ON.search(text)
    return runs_on.span() if runs_on else None


def _drop_overlaps(found: list[Markup]) -> list[Markup]:
    """In order; of two that begin together the longer one, and none that begins inside another but whole renderings."""
    kept: list[Markup] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        last = kept[-1] if kept else None
        inside_turn = last is not None and last.kind == "rendered" and one.kind in ("image-mark", "end-token")
        if last is None or one.start >= last.end or inside_turn:
            kept.append(one)
    return kept
