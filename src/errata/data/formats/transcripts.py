"""Whole conversations as one text, `Human: … Assistant: …`, as the first preference data were published."""

from __future__ import annotations

import re

from errata.records import Turn

_SPEAKER = re.compile(r"(?:\A|\n)\s*(Human|User|HUMAN|USER|Assistant|ASSISTANT) ?:")
_LOUD_SPEAKER = re.compile(r"(?:\A|(?<=\s))(HUMAN|USER|ASSISTANT) ?:")
_ANSWER_OPENS = re.compile(
    r"<\|im_start\|>assistant\n|<\|start_header_id\|>assistant<\|end_header_id\|>\s*|<start_of_turn>model\n|<\|assistant\|>\s*"
    r"|\[/INST\]|### ?(?:Assistant|Response|ASSISTANT) ?:\s*|(?:ASSISTANT|Assistant) ?:"
)


def parse_transcript(text: str) -> tuple[Turn, ...] | None:
    """The turns of a text that begins with a question under the user's name and ends with an answer under the
    assistant's, both taking turns; None for any other text.

    Names in capitals may also stand inside a line, behind what is then a system turn, as templates of one line have it.
    """
    is_plain = re.match(r"\s*(?:Human|User) ?:", text) is not None
    before, *parts = (_SPEAKER if is_plain else _LOUD_SPEAKER).split(text)
    said = zip(parts[::2], parts[1::2], strict=True)
    turns = tuple(Turn("assistant" if name.lower() == "assistant" else "user", words.strip()) for name, words in said)
    alternate = all((turn.role == "user") == (number % 2 == 0) for number, turn in enumerate(turns))
    if not turns or not alternate or turns[-1].role != "assistant":
        return None
    return (Turn("system", before.strip()), *turns) if before.strip() else turns


def find_answer_start(text: str) -> int | None:
    """Where, in a text that a chat template has rendered, the last answer that it opens begins."""
    return max((match.end() for match in _ANSWER_OPENS.finditer(text)), default=None)
