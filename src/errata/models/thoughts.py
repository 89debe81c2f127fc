"""Answers of models that think aloud, where the template opens the thought that an answer may bring too."""

from __future__ import annotations

import re
from dataclasses import dataclass

from errata.errors import DataError
from errata.text import split_reasoning

_MARK = re.compile(r"[<\[◁][^<\[◁]*\Z")
"""What a thought begins with is the last thing that an opening says."""
_EMPTY = r"[<\[◁]([^<>\[\]◁▷/]+)[>\]▷]\s*[<\[◁]/\1[>\]▷]\s*"
"""A thought without words, which templates write for a model that is not to think."""
_MARK_FIRST = re.compile(r"\s*([<\[◁][^<>\[\]◁▷/]+[>\]▷])\s*")
_EMPTY_LAST, _EMPTY_FIRST = re.compile(_EMPTY + r"\Z"), re.compile(r"\s*" + _EMPTY)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a prompt ends with.

    Attributes:
        text: The rendered prompt.
        mark: What begins the thought that it leaves open; empty where it leaves none open.
    """

    text: str
    mark: str

    @classmethod
    def read(cls, text: str) -> Opening:
        """From a rendered prompt."""
        found = _MARK.search(text.rstrip())
        opens = found is not None and not split_reasoning(found[0]).finished
        return cls(text, found[0] if opens and found else "")

    @property
    def stem(self) -> str:
        """The prompt without what a template leaves out of a turn that is over: blanks, and a thought without words."""
        return _EMPTY_LAST.sub("", self.text).rstrip()

    def skip_mark(self, answer: str) -> int:
        """Where an answer goes on after the beginning of the thought that the prompt has opened already."""
        return len(self.mark) if self.mark and answer.startswith(self.mark) else 0

    def check(self, answer: str, *, knows_thoughts: bool, can_switch: bool) -> None:
        """Raise DataError for an answer whose thought does not fit the prompt.

        Args:
            answer: Its text, without blanks around it.
            knows_thoughts: Whether the model's template tells thoughts from answers.
            can_switch: Whether `model.thinking` has an effect on it.
        """
        told = split_reasoning(self.mark + answer[self.skip_mark(answer) :])
        switch = ", set model.thinking to false" if can_switch else ""
        if self.mark and not (told.finished and told.answer):
            unfinished = self.skip_mark(answer) > 0
            raise _refuse(
                answer,
                f"the thought that the model's template opens with {self.mark!r}, its end, and an answer after it",
                "a thought without an end, or nothing after it" if unfinished else "an answer without a thought",
                f"give the answer its thought{switch}",
            )
        if knows_thoughts and not told.finished:
            raise _refuse(answer, "a thought with an end", "one without", "take it out of the answer, or end it")
        if self.stem != self.text.rstrip() and told.reasoning:
            found = "an answer that brings one"
            raise _refuse(answer, "no thought, as the prompt ends with an empty one", found, "leave model.thinking out")


def _refuse(answer: str, expected: str, found: str, fix: str) -> DataError:
    where = f"assistant turn {answer[:40]!r}"
    return DataError(where, expected=expected, found=found, fix=f"{fix}, or set the row aside")


def skip_thought(text: str) -> int:
    """Where a text goes on after the beginning of a thought, or after a thought without words; 0 if it has neither."""
    empty, mark = _EMPTY_FIRST.match(text), _MARK_FIRST.match(text)
    if empty:
        return empty.end()
    return mark.end() if mark and not split_reasoning(mark[1]).finished else 0
