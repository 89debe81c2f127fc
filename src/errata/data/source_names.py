"""What pictures were called where they came from: an import names them by their content, benchmarks by these names."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from errata.errors import DataError, quote
from errata.records import read_json_lines, remove_file, write_json_lines

NAMES_FILE = "image-names.jsonl"
"""In a folder of records: `{"image": the path in records, "names": its names in the source}`, one picture a line."""

LONGEST_NAME = 1000


class SourceNames:
    """Names collected while pictures are brought into a folder."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, image: str, name: Any) -> None:
        """Note that the picture at `image` was called `name`, unless that is no name or says nothing new."""
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or name.startswith("data:"):
            return
        names = self._names.setdefault(image, [])
        if name not in names and PurePosixPath(name).stem != PurePosixPath(image).stem:
            names.append(name)

    def write(self, folder: str | Path) -> None:
        """Write the names beside the records, whole or not at all; without any, remove an older file."""
        path = Path(folder) / NAMES_FILE
        rows = [{"image": image, "names": names} for image, names in self._names.items() if names]
        if rows:
            write_json_lines(path, rows)
        else:
            remove_file(path)


def read_source_names(folder: str | Path) -> dict[str, list[str]]:
    """Image path -> its names in the source; empty where no import wrote them.

    Raises:
        DataError: The file says something else.
    """
    path = Path(folder) / NAMES_FILE
    if not path.is_file():
        return {}
    found: dict[str, list[str]] = {}
    for where, row in read_json_lines(path):
        image, names = (row.get("image"), row.get("names")) if isinstance(row, dict) else (None, None)
        if not isinstance(image, str) or not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            fix = "import the data again, or remove the file"
            raise DataError(where, expected="an image and its names", found=quote(row), fix=fix)
        found[image] = names
    return found
