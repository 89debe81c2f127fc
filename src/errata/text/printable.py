"""Text that cannot steer the terminal or the page that shows it."""

from __future__ import annotations

import unicodedata

_HARMLESS = "\n\u200c\u200d"  # joiners only shape letters and emoji; they move nothing


def make_printable(text: str) -> str:
    """Text whose control, direction and other invisible characters are spelled out, line ends excepted.

    A model's text must not steer the reader's terminal, nor look like another text.
    """
    if text.isprintable():
        return text
    return "".join(c if c in _HARMLESS or not _is_hidden(c) else repr(c)[1:-1] for c in text)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
