"""A JSON file row by row with the line that each row begins on, whether it holds JSON lines or one array."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from errata.errors import DataError
from errata.records.lines import iterate_lines

MAX_ITEM = 64 << 20
"""Characters of one item of an array, which is held while its end is looked for."""

_CHUNK = 1 << 20
_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\\n]+|\\.)*+"|["\[\]{},]')
"""What decides where an item ends: whole strings, brackets, commas; a quote alone opens a string that does not end."""


def iterate_json_rows(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """(`file:line`, text) of every line, or of every item of one array where the file is no `.jsonl`.

    The texts are not checked yet; `parse_line` does that.

    Raises:
        DataError: No such file, or an array that is not JSON from some line on.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            is_array = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    except OSError as error:
        raise DataError(
            str(path), expected="a readable file", found=error.strerror or str(error), fix="check the path"
        ) from None
    yield from _split_array(path) if is_array and path.suffix != ".jsonl" else iterate_lines(path)


def iterate_member(path: str | Path, name: str) -> Iterator[tuple[str, bytes]]:
    """(`file:line`, text) of every item of the array under the key `name` of the one object that a file holds.

    Raises:
        DataError: No such array near the file's beginning, or one that is not JSON from some line on.
    """
    path = Path(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        text = _Text(file, path)
        if not text.skip_behind(re.compile(rf'"{re.escape(name)}"\s*:\s*\[')):
            raise text.broken(f"no array {name!r}")
        yield from _take_items(text)


def _split_array(path: Path) -> Iterator[tuple[str, bytes]]:
    """Items one after another: a file larger than memory is never held, nor are its items looked into."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        text = _Text(file, path)
        text.skip_blanks()
        text.place += 1  # the opening bracket
        yield from _take_items(text)
        text.place += 1
        text.skip_blanks()
        if text.peek():
            text.mark()
            raise text.broken("something behind the ] that ends the array")


def _take_items(text: _Text) -> Iterator[tuple[str, bytes]]:
    text.skip_blanks()
    while text.peek() != "]":
        yield text.take_item()
        text.skip_blanks()
        if text.peek() == ",":
            text.place += 1
            text.skip_blanks()
        elif text.peek() != "]":
            raise text.broken("something else than a comma or ] behind the item that begins here")


class _Text:
    """The part of a file that is being looked at. `place` is where in it, `line` the last one marked."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file, self._path = file, path
        self._text, self.place, self._ended = "", 0, False
        self.line, self._counted = 1, 0

    def skip_blanks(self) -> None:
        while True:
            match = _BLANKS.match(self._text, self.place)
            self.place = match.end() if match else self.place
            if self.place < len(self._text) or self._ended:
                return
            self._read_more(self.place)

    def skip_behind(self, pattern: re.Pattern[str]) -> bool:
        """Go to the end of the pattern's first match in the first part of the file; whether there is one."""
        self.skip_blanks()
        match = pattern.search(self._text, self.place)
        self.place = match.end() if match else self.place
        return match is not None

    def peek(self) -> str:
        return self._text[self.place : self.place + 1]

    def mark(self) -> None:
        """Take the place that is looked at for the one that errors name."""
        self.line += self._text.count("\n", self._counted, self.place)
        self._counted = self.place

    def take_item(self) -> tuple[str, bytes]:
        """The item that begins here. A byte that is not UTF-8 goes back to what it was, for `parse_line` to find."""
        self.mark()
        end = self._find_end()
        item = self._text[self.place : end].encode("utf-8", "surrogateescape")
        self.place = end
        return f"{self._path}:{self.line}", item

    def _find_end(self) -> int:
        """Where the item's last bracket or quote closes, or a number or a word ends."""
        depth, place = 0, self.place
        while True:
            match = _TOKEN.search(self._text, place)
            if not self._ended and (match is None or match[0] == '"' or match.end() == len(self._text)):
                resume = (match.start() if match else len(self._text)) - self.place
                self._read_more(self.place)  # perhaps not all of the token is there yet
                place = self.place + resume
                continue
            if match is None or match[0] == '"':
                raise self.broken("an item that does not end, or a line end inside quotes")
            token, place = match[0], match.end()
            depth += (token in ("{", "[")) - (token in ("}", "]"))
            if depth < 0 or (depth == 0 and token == ","):
                return match.start()
            if depth == 0 and token in ("}", "]"):
                return match.end()

    def _read_more(self, keep: int) -> None:
        """Forget what stands before `keep` and read on, as much again as is kept."""
        self.line += self._text.count("\n", self._counted, keep)
        self._text, self.place = self._text[keep:], self.place - keep
        self._counted = 0
        if len(self._text) > MAX_ITEM:
            raise self.broken(f"an item of more than {MAX_ITEM >> 20} million characters")
        more = self._file.read(max(_CHUNK, len(self._text)))
        self._text += more
        self._ended = not more

    def broken(self, found: str) -> DataError:
        fix = "repair the file or download it again; what follows such a place cannot be read"
        place = f"{self._path}:{self.line}"
        return DataError(place, expected="one JSON array of rows, in UTF-8", found=found, fix=fix)
