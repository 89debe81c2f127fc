"""Files under names that look alike: `é` is one character or two, and systems disagree on which they write."""

from __future__ import annotations

import unicodedata
from pathlib import Path


def find_file(path: str | Path) -> Path:
    """The path as it stands on the disk, where it differs from the given one in its Unicode form alone.

    An archive packed on a Mac spells file names decomposed (NFD), rows written elsewhere composed (NFC). A name that is
    there as given is taken as it is; a name that is there in no form is given back.
    """
    path = Path(path)
    if str(path).isascii():
        return path
    try:
        return path if path.exists() else _find_parts(path) or path
    except (OSError, ValueError):  # a name too long, or one that no file can have
        return path


def _find_parts(path: Path) -> Path | None:
    """Part by part: of a folder and a file in it, each may have another form."""
    here = Path(path.anchor)
    for part in path.relative_to(path.anchor).parts:
        if not (here / part).exists():
            wanted = unicodedata.normalize("NFC", part)
            names = sorted(entry.name for entry in here.iterdir())
            alike = (name for name in names if unicodedata.normalize("NFC", name) == wanted)
            part = next(alike, "")
            if not part:
                return None
        here /= part
    return here
