"""Texts that went through the wrong decoder, or carry what no reader sees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from errata.data.text_limits import MAX_CHARACTERS

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Without the joiners and direction marks that scripts and emoji need, and the tags of a flag.
_INVISIBLE = re.compile(
    "[\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]"
    "|(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0000-\U000e007f]"
)
_CP1252_TAIL = "".join(bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0))
_TAIL = f"[\x80-\x9f\xa1-\xbf{_CP1252_TAIL}]"
# First bytes of UTF-8 as Latin-1 or Windows-1252 shows them. Capitals before, and no-break spaces, occur in good text.
_MOJIBAKE = re.compile(
    f"(?<![A-ZÀ-Þ])[ÃÅÄ]{_TAIL}"
    f"|Ã\xa0|Â[\xa0-\xbf]"
    f"|â[\x80\x84\x86\x88-\x8a\x98\x9c€„†ˆ‰Š˜œ]{_TAIL}"
    f"|ð[\x9fŸ]{_TAIL}"
    f"|(?:[ÐÑ]{_TAIL}){{2}}"
    f"|(?:[à-ï]{_TAIL}{{2}}){{2}}"
    "|ï»¿|ï¿½"
)


def find_text_trouble(text: str) -> Iterator[tuple[str, str]]:
    """The kinds of trouble in one text, each once, with the first place of it.

    Yields:
        (kind, message): `nul`, `invisible`, `mojibake`, `replacement` or `not-nfc`.
    """
    if len(text) > MAX_CHARACTERS:
        yield "long", f"{len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
    yield from _find_hidden(text)
    if text.isascii():  # almost every text, and the rest costs more
        return
    broken = _MOJIBAKE.search(text)
    if broken:
        yield "mojibake", f"{broken[0]!r} {_place(text, broken)}; decode the source as UTF-8 again"
    if "\ufffd" in text:
        count = text.count("\ufffd")
        yield "replacement", f"{count} of U+FFFD, the first at {text.index(chr(0xFFFD))}; take the text from its source"
    if not unicodedata.is_normalized("NFC", text):
        yield "not-nfc", "letters and marks stored apart; --fix --nfc puts them together"


def _find_hidden(text: str) -> Iterator[tuple[str, str]]:
    if "\0" in text:
        yield "nul", f"{text.count(chr(0))} of them, the first at {text.index(chr(0))}; --fix takes them out"
    hidden = _CONTROL.search(text.replace("\0", " ")) or (None if text.isascii() else _INVISIBLE.search(text))
    if hidden:
        yield "invisible", f"U+{ord(hidden[0]):04X} {_name(hidden[0])} at {hidden.start()}; remove it"


def _name(character: str) -> str:
    return unicodedata.name(character, "control character").lower()


def _place(text: str, match: re.Match[str]) -> str:
    return f"at {match.start()}, in {text[max(match.start() - 10, 0) : match.end() + 10]!r}"
