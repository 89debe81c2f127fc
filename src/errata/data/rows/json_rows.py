"""A JSON file row by row with the line that each row begins on: JSON lines, one array, or an object that holds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from errata.data.rows.compressed import open_bytes, open_text, strip_compression
from errata.errors import DataError, quote
from errata.storage import number_lines

MAX_ITEM = 64 << 20
"""Characters of one item of an array, which is held while its end is looked for."""

_LISTS_OF_A_ROW = """answers chosen completions conversation conversations fields history image images messages outputs
prompt rejected rejected_conversations rejected_messages rejected_response responses segments suggestions tools turns"""
LISTS_OF_A_ROW = frozenset(_LISTS_OF_A_ROW.split())
"""Keys whose lists belong to one row; under any other name, a list of objects is a list of rows."""

_CHUNK, _LOOK = 1 << 20, 1 << 16
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')
_OF_A_ROW = re.compile(r'\[\s*\{[^{}\[\]]*"(?:role|from|speaker|result)"\s*:')
_ROWS = re.compile(r"\[\s*(?:\{|\])")
_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\\n]+|\\.)*+"|["\[\]{},]')
"""What decides where an item ends: whole strings, brackets, commas; a quote alone opens a string that does not end."""


def iterate_json_rows(path: str | Path, split: str = "train") -> Iterator[tuple[str, bytes]]:
    """The same as `iterate_json_values`, but of a file that holds one object, the items of the list of rows in it.

    That is the list of objects under one of its keys, such as `data`, or of several such lists the one under `split`.
    Also read are objects one after another that go over several lines each.

    Raises:
        DataError: As `iterate_json_values`, or an object with several lists of rows, none of them under `split`.
    """
    path = Path(path)
    form = _find_form(path) if _begins_with(path, b"{") else None
    if form is None:
        yield from iterate_json_values(path)
    elif form == "values":
        yield from _split_values(path)
    else:
        lists = _list_keys(path)
        if len(lists) > 1 and split not in lists:
            fix = "say which to read: --split NAME"
            expected = f"one list of rows, or one under {split!r}"
            raise DataError(str(path), expected=expected, found=f"lists {', '.join(map(quote, lists))}", fix=fix)
        yield from _split_object(path, split if len(lists) > 1 else lists[0])


def list_other_lists(path: str | Path, split: str) -> list[str]:
    """The keys of the lists of rows that are not read of a file whose object has several; mostly none."""
    path = Path(path)
    if not (path.is_file() and _begins_with(path, b"{") and _find_form(path) == "rows"):
        return []
    lists = _list_keys(path)
    return [key for key in lists if key != split] if len(lists) > 1 else []


def iterate_json_values(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """(`file:line`, text) of every line, or of every item of one array where the file is no `.jsonl`.

    The texts are not checked yet; `parse_line` does that.

    Raises:
        DataError: No such file, or an array that is not JSON from some line on.
    """
    path = Path(path)
    if _begins_with(path, b"["):
        yield from _split_array(path)
        return
    with open_bytes(path) as file:
        yield from number_lines(path, iter(lambda: _read_line(path, file), b""))


def _begins_with(path: Path, mark: bytes) -> bool:
    """Whether a file that does not call itself JSON lines begins with this bracket."""
    with open_bytes(path) as file:
        first = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return first == mark and strip_compression(path).suffix.lower() not in (".jsonl", ".ndjson")


def _read_line(path: Path, file: IO[bytes]) -> bytes:
    """A line; one that could fill the memory, as a compressed file may hold it, is an error."""
    line = file.readline(MAX_ITEM + 1)
    if len(line) > MAX_ITEM:
        found = f"a line of more than {MAX_ITEM >> 20} million bytes"
        raise DataError(str(path), expected="one row a line", found=found, fix="split the file into lines")
    return line


def _find_form(path: Path) -> str | None:
    """What a file that begins with an object is: "rows" where a list of them stands in it, "values" where objects go
    over several lines, None for JSON lines, or where it is not JSON."""
    with open_text(path) as file:
        text = _Text(file, path)
        try:
            if any(True for _ in _find_lists(text)):
                return "rows"
        except DataError:
            return None  # line by line, every error names its own
        text.mark()
        return "values" if text.line > 1 else None


def _find_lists(text: _Text) -> Iterator[str]:
    """The keys of the lists of rows in the object that begins here; the place is at the list meanwhile.

    Whoever takes the list leaves the place behind it; otherwise it is passed over.
    """
    text.skip_blanks()
    text.place += 1
    text.skip_blanks()
    while text.peek() != "}":
        key = text.take_key()
        place = text.tell()
        if text.looks_like(_ROWS) and not text.looks_like(_OF_A_ROW) and key not in LISTS_OF_A_ROW:
            yield key
        if text.tell() == place:
            text.take_item()
        text.skip_blanks()
        if text.peek() == ",":
            text.place += 1
            text.skip_blanks()
        elif text.peek() != "}":
            raise text.broken("something else than a comma or } behind a value")
    text.place += 1


def _list_keys(path: Path) -> list[str]:
    """The keys of all lists of rows in the object that the file is; those before a place that is damaged."""
    found = []
    with open_text(path) as file:
        text = _Text(file, path)
        try:
            for key in _find_lists(text):
                found.append(key)
                for _ in _take_list(text):
                    pass
        except DataError:
            pass  # told when the rows before it have been read
    return found


def _split_object(path: Path, wanted: str) -> Iterator[tuple[str, bytes]]:
    """The items of the list of rows under a key of the object that the file is."""
    with open_text(path) as file:
        text = _Text(file, path)
        for key in _find_lists(text):
            items = _take_list(text)
            if key == wanted:
                yield from items
            for _ in items:
                pass
        text.skip_blanks()
        if text.peek():
            raise text.broken("something behind the } that ends the object")


def _split_values(path: Path) -> Iterator[tuple[str, bytes]]:
    """Objects one after another, each over several lines."""
    with open_text(path) as file:
        text = _Text(file, path)
        text.skip_blanks()
        while text.peek():
            if text.peek() != "{":
                raise text.broken("something else than an object")
            yield text.take_item()
            text.skip_blanks()


def iterate_member(path: str | Path, name: str) -> Iterator[tuple[str, bytes]]:
    """(`file:line`, text) of every item of the array under the key `name` of the one object that a file holds.

    Raises:
        DataError: No such array near the file's beginning, or one that is not JSON from some line on.
    """
    path = Path(path)
    with open_text(path) as file:
        text = _Text(file, path)
        if not text.skip_behind(re.compile(rf'"{re.escape(name)}"\s*:\s*\[')):
            raise text.broken(f"no array {name!r}")
        yield from _take_items(text)


def _split_array(path: Path) -> Iterator[tuple[str, bytes]]:
    """Items one after another: a file larger than memory is never held, nor are its items looked into."""
    with open_text(path) as file:
        text = _Text(file, path)
        text.skip_blanks()
        text.place += 1  # the opening bracket
        yield from _take_items(text)
        text.place += 1
        text.skip_blanks()
        if text.peek():
            text.mark()
            raise text.broken("something behind the ] that ends the array")


def _take_list(text: _Text) -> Iterator[tuple[str, bytes]]:
    """The items of the list that begins here, one after another; the place is then behind it."""
    text.place += 1
    yield from _take_items(text)
    text.place += 1


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
        self.line, self._counted, self._before = 1, 0, 0

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

    def tell(self) -> int:
        """Where in the file the place is, in characters."""
        return self._before + self.place

    def looks_like(self, pattern: re.Pattern[str]) -> bool:
        """Whether the pattern matches here, of which as much as a key or the head of a list may be needed."""
        if len(self._text) - self.place < _LOOK and not self._ended:
            self._read_more(self.place)
        return pattern.match(self._text, self.place, self.place + _LOOK) is not None

    def take_key(self) -> str:
        """The key of an object's member that begins here; the place moves to its value."""
        self.looks_like(_KEY)
        match = _KEY.match(self._text, self.place)
        if match is None:
            raise self.broken("something else than a key and a colon in an object")
        self.place = match.end()
        return match[1]

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
        self._text, self.place, self._before = self._text[keep:], self.place - keep, self._before + keep
        self._counted = 0
        if len(self._text) > MAX_ITEM:
            raise self.broken(f"an item of more than {MAX_ITEM >> 20} million characters")
        more = self._file.read(max(_CHUNK, len(self._text)))
        self._text += more
        self._ended = not more

    def broken(self, found: str) -> DataError:
        fix = "repair the file or download it again; what follows such a place cannot be read"
        place = f"{self._path}:{self.line}"
        return DataError(place, expected="JSON of rows, in UTF-8", found=found, fix=fix)
