"""Under which key a reply is kept: everything that it depends on, and nothing else."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from errata.errors import DataError
from errata.judges.backend import Parameters
from errata.judges.calls import JudgeCall


def build_keys(
    model: str, call: JudgeCall, parameters: Parameters, max_tokens: int, sample: int, attempts: int
) -> tuple[str, ...]:
    """The key of each attempt at one reply of at most so many tokens, without the server's address and the call's id.

    Raises:
        DataError: A lost image.
    """
    asked = [model, call.prompt.hash, max_tokens, dict(call.values), hash_images(call), parameters.describe(), sample]
    text = json.dumps(asked, sort_keys=True, default=list).removesuffix("]")
    return tuple(hashlib.sha256(f"{text}, {attempt}]".encode()).hexdigest() for attempt in range(attempts))


def hash_images(call: JudgeCall) -> list[str]:
    """SHA-256 of the call's image files, in order. Raises DataError on one that cannot be read."""
    try:
        states = [(path, path.stat()) for path in call.images]
        return [_hash_file(path, state.st_mtime_ns, state.st_size) for path, state in states]
    except OSError as error:
        raise DataError(
            f"judge call {call.id!r}",
            expected="an image file",
            found=f"{error.filename}: {error.strerror}",
            fix="check the image folder",
            code="image",
        ) from None


@lru_cache(maxsize=100_000)
def _hash_file(path: Path, *_changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
