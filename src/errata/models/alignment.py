"""Where a text stands in its rendering, in which blanks may be others."""

from __future__ import annotations


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
