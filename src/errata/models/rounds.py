"""The rounds of a conversation as text: what the model is asked with, what it has to write, and how its turn ends.

Where a text stands in its rendering, in which blanks may be others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from transformers.utils import logging

from errata.errors import DataError, ModelError
from errata.models.special_tokens import SpecialTokens
from errata.models.templates import Template
from errata.models.thoughts import Opening, skip_thought
from errata.records import IMAGE_PLACEHOLDER, Turn


def align(text: str, rendered: str) -> list[int] | None:
    """Find a text at the beginning of a rendering, blanks aside.

    Returns:
        For every character of the rendering up to the last one of the text, the place in the text that it stands for; a
        blank that only the rendering has stands for the character after it, and those before the text for −1. None if
        the two differ in anything but blanks.
    """
    start = len(rendered) - len(rendered.lstrip())
    stripped = text.strip()
    lead = len(text) - len(text.lstrip())
    if rendered.startswith(stripped, start):
        return [-1] * start + list(range(lead, lead + len(stripped)))
    return _align_loosely(text, rendered, start)


def _align_loosely(text: str, rendered: str, start: int) -> list[int] | None:
    places = [-1] * start
    at = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    for letter in rendered[start:]:
        if at == end:
            break
        if not letter.isspace():
            while text[at].isspace():
                at += 1
            if text[at] != letter:
                return None
        places.append(at)
        at += letter == text[at]
    return places if at == end else None


logger = logging.get_logger(__name__)

_PROBE = "0q0"
"""Words that no template writes."""
_MISSPELT = "<\\s>"
"""What the Hub's template of LLaVA-NeXT on Mistral writes for `</s>`: a text of three tokens."""


@dataclass(frozen=True, slots=True)
class ImageText:
    """How an image stands in rendered text: what the template writes for it, what replaces that, and the token in it
    that is repeated once per feature."""

    marker: str
    text: str
    token: str

    def write(self, rendered: str) -> str:
        """Rendered text with every marker, or our own placeholder, replaced."""
        return rendered.replace(self.marker, self.text).replace(IMAGE_PLACEHOLDER, self.text)


@dataclass(frozen=True, slots=True)
class Round:
    """One answer and what stands before it.

    Attributes:
        context: From the end of the answer before (of the prompt, for the first round) to where the model begins.
        written: All that the model has to write: blanks, its words, and the end of its turn.
        places: For each character of `written` the place in the answer's own text that it stands for; −1 for none.
    """

    context: str
    written: str
    places: list[int]


@dataclass(frozen=True, slots=True)
class _Placed:
    """What the model writes of a whole conversation for one answer, and the places of its characters in the answer."""

    cut: int
    stop: int
    places: list[int]


class RoundWriter:
    """Renders conversations so that every answer ends with a token that ends the model's turn.

    Some templates write none between rounds (the Hub's of LLaVA-1.5), or a text that only looks like one (LLaVA-NeXT on
    Mistral). The model has to write one all the same, and was trained to, so it is put after the words of every such
    answer, of those in a prompt as well.

    Args:
        template: The chat template.
        image: How an image stands in rendered text.
        special: The tokenizer's special tokens.
        eos: The token that ends a turn where the template says nothing else.
        way_out: What else to do where it writes no end between rounds, as the end of a sentence.
    """

    def __init__(
        self, template: Template, image: ImageText, special: SpecialTokens, eos: str | None, way_out: str = ""
    ) -> None:
        self._template, self._image, self._special, self._way_out = template, image, special, way_out
        last = self._probe(rounds=1)
        self.own_end = special.find_added(last)
        """What the template itself ends the last turn with; None where that is no token."""
        stops = [special.write(number) for number in special.stops]
        self._end = self.own_end or eos or next(iter(stops), "")
        self._ends = tuple(dict.fromkeys(filter(None, [self._end, eos, *stops])))
        self._adds_to_last = special.find_end(last, self._ends) is None
        self._adds_to_earlier = self._adds_to_last
        self._told = False
        with suppress(DataError):  # a template for one round
            self._adds_to_earlier = special.find_end(self._probe(rounds=2), self._ends) is None

    def _probe(self, rounds: int) -> str:
        """What the template writes after the words of the first of these rounds."""
        turns = (Turn("user", "a"), Turn("assistant", _PROBE)) * rounds
        return self._template.render(turns, 0, open_assistant=False).partition(_PROBE)[2]

    def render(self, turns: Sequence[Turn], n_images: int, *, open_assistant: bool) -> str:
        """The text of the turns with the images in it."""
        last = len(turns) - 1
        if any(turn.role == "assistant" for turn in turns[:-1]):
            self._tell_once()
        ended = [
            self._close(turn, is_last=number == last) if turn.role == "assistant" else turn
            for number, turn in enumerate(turns)
        ]
        rendered = self._template.render(ended, n_images, open_assistant=open_assistant)
        return self._image.write(rendered.replace(self._end + _MISSPELT, self._end))

    def _tell_once(self) -> None:
        """Say that other tools show the model another past, where the template writes no end between rounds."""
        if self._adds_to_earlier and not self._told:
            self._told = True
            logger.warning(
                f"the chat template writes no end of turn between rounds: {self._end} is put behind earlier answers, "
                f"as the model has to write it; a server that applies the template leaves it out{self._way_out}"
            )

    def _close(self, turn: Turn, *, is_last: bool) -> Turn:
        """A turn without blanks around it, and with its end where the template writes none."""
        adds = self._adds_to_last if is_last else self._adds_to_earlier
        return replace(turn, text=turn.text.strip() + (self._end if adds else ""))

    def write(self, prompt: tuple[Turn, ...], opened: str, n_images: int, turns: tuple[Turn, ...]) -> list[Round]:
        """The answers of `turns` after a prompt that is rendered as `opened`.

        Raises:
            DataError: An answer without the thought that the template opens, one whose words the template changes, or
                rounds of which the template changes an earlier one.
            ModelError: A template that changes the prompt when an answer is added.
        """
        whole = self.render((*prompt, *turns), n_images, open_assistant=False)
        rounds: list[Round] = []
        done = len(opened)
        for number in range(0, len(turns), 2):
            if number:
                opened = self.render((*prompt, *turns[:number]), n_images, open_assistant=True)
            opening, answer = Opening.read(opened), turns[number].text
            opening.check(
                answer.strip(),
                knows_thoughts=self._template.knows_thoughts,
                can_switch=self._template.can_switch_thoughts,
            )
            placed = self._place(whole, opening, answer)
            if placed is None and opening.mark and len(turns) == 1:
                return [self._write_alone(opening, answer)]
            if placed is None:
                raise self._refuse(whole, opening, turns, number)
            # Where blanks differ, those that the model sees when it is asked count.
            context = whole[done : len(opening.stem)] + opened[len(opening.stem) :] if number else ""
            rounds.append(Round(context, whole[placed.cut : placed.stop], placed.places))
            done = placed.stop
        return rounds

    def _place(self, whole: str, opening: Opening, answer: str) -> _Placed | None:
        """An answer in the whole conversation; None where the template leaves out or changes what stood there."""
        if not whole.startswith(opening.stem):
            return None
        kept = whole.startswith(opening.text)
        start = len(opening.text) if kept else len(opening.stem)
        skipped = len(answer) - len(answer.lstrip())
        skipped += opening.skip_mark(answer.strip())
        for gap in self._find_gaps(whole[start:], answer[skipped:].strip()):
            places = align(answer[skipped:], whole[start + gap :])
            end = start + gap + len(places or ())
            close = self._special.find_end(whole[end:], self._ends)
            if places is not None and close is not None:
                stop = whole.index(close, end) + len(close)
                blanks = 0 if kept else places.count(-1)
                places = [place + skipped if place >= 0 else -1 for place in places[blanks:]]
                cut = start if kept else start + gap + blanks
                places = [-1] * (end - cut - len(places)) + places + [-1] * (stop - end)
                return _Placed(cut, stop, places)
        return None

    def _find_gaps(self, after: str, words: str) -> Iterator[int]:
        """Where the words of an answer may begin: at once, after what a template writes of a thought, or wherever they
        stand before the turn ends."""
        yield 0
        yield skip_thought(after)
        at, end = after.find(words), min((after.find(end) for end in self._ends if end in after), default=0)
        while 0 <= at < end:
            yield at
            at = after.find(words, at + 1)

    def _write_alone(self, opening: Opening, answer: str) -> Round:
        """An answer as the model writes it, where the template takes thoughts out of every turn that is over."""
        skipped = len(answer) - len(answer.lstrip())
        skipped += opening.skip_mark(answer.strip())
        if opening.text[-1].isspace():
            skipped += len(answer[skipped:]) - len(answer[skipped:].lstrip())
        words = answer[skipped:].rstrip()
        places = [*range(skipped, skipped + len(words)), *[-1] * len(self._end)]
        return Round("", words + self._end, places)

    def _refuse(self, whole: str, opening: Opening, turns: Sequence[Turn], number: int) -> DataError | ModelError:
        if len(turns) > 1:
            return DataError(
                f"assistant turn {turns[number].text[:40]!r}",
                expected="rounds that the model's chat template leaves as they were when later ones follow",
                found="a template that changes earlier ones, as those do that leave thoughts out",
                fix="make a record of each round, with the rounds before it in its prompt, or set the row aside",
            )
        if not whole.startswith(opening.stem):
            return ModelError(
                "chat template",
                expected="a template that keeps earlier text when a turn is added",
                found="one that changes it",
                fix=self._template.fix,
            )
        return DataError(
            f"assistant turn {turns[number].text[:40]!r}",
            expected="an answer that the model's chat template writes as it is",
            found="one that it changes",
            fix=f"set the row aside, or {self._template.fix}",
        )
