"""Reference log-probabilities on disk: computed once, per token, under a fingerprint of what they depend on.

    folder/<fingerprint>/about.json         what the fingerprint was made of
    folder/<fingerprint>/<number>.parquet   record id, response number, digest of its tokens and images, log-probs

The fingerprint covers weights, processor, template, dtype, attention and layout. A folder serves one of them: numbers
of another model are neither used nor mixed in without a word. The digest covers the data: a changed record is computed
again, unchanged ones are kept, also when records are added or removed.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from errata.errors import ConfigError, ModelError
from errata.storage import replacing, write_text
from errata.trees.fingerprint import digest_samples, find_differences, hash_json
from errata.trees.rows import TreeRow

SHARD_TOKENS, SHARD_S = 200_000, 30.0
"""Log-probabilities per file, and seconds after which they are written in any case: what a kill can lose at most."""

Key = tuple[str, int, str]

SCHEMA = pa.schema(
    [("id", pa.string()), ("response", pa.int32()), ("digest", pa.string()), ("logps", pa.list_(pa.float32()))]
)


class ReferenceCache:
    """Per-token log-probabilities of responses under one reference model.

    Args:
        folder: Of one reference; runs may share it.
        about: What the numbers depend on, as JSON values; see `describe_reference`.

    Files that cannot be read are renamed to `.damaged`, listed in `damaged`, and their content computed again.

    Raises:
        ConfigError: The folder holds the cache of another reference; it says which parts differ.
    """

    def __init__(self, folder: str | Path, about: dict[str, Any]) -> None:
        self.fingerprint = hash_json(about)
        self.folder = Path(folder) / self.fingerprint
        _require_own(self.folder, about)
        self.damaged: list[Path] = []
        self._known: dict[Key, np.ndarray[Any, Any]] = {}
        self._new: dict[Key, np.ndarray[Any, Any]] = {}
        self._written_s = time.monotonic()
        write_text(self.folder / "about.json", json.dumps(about, indent=2, ensure_ascii=False, default=str))
        self.reload()

    def __len__(self) -> int:
        return len(self._known)

    def reload(self) -> None:
        """Read what is on disk, files written by other processes included."""
        for path in sorted(self.folder.glob("*.parquet")):
            try:
                table = pq.read_table(path, schema=SCHEMA)
                columns = [table[name].to_pylist() for name in ("id", "response", "digest")]
                logps = [
                    np.asarray(values, dtype=np.float32) for values in table["logps"].to_numpy(zero_copy_only=False)
                ]
            except (pa.ArrowException, OSError, ValueError, KeyError):
                self.damaged.append(path.with_suffix(".damaged"))
                path.replace(self.damaged[-1])
                continue
            self._known.update(zip(zip(*columns, strict=True), logps, strict=True))

    def find(self, row: TreeRow) -> Tensor | None:
        """The reference log-probabilities `[T]` of a row on the CPU, or None if any response is missing."""
        pieces: list[np.ndarray[Any, Any]] = []
        for key, length in zip(_keys(row), row.target_lengths, strict=True):
            piece = self._known.get(key)
            if piece is None or len(piece) != length:
                return None
            pieces.append(piece)
        return torch.from_numpy(np.concatenate(pieces))

    def add(self, row: TreeRow, logps: Tensor) -> None:
        """Keep the log-probabilities `[T]` of a row; written when enough are waiting, and by `flush`.

        Raises:
            ModelError: A number is not finite, with the record's id.
        """
        pieces = torch.split(logps.detach().float().cpu(), list(row.target_lengths))
        for key, piece in zip(_keys(row), pieces, strict=True):
            if not bool(piece.isfinite().all()):
                raise ModelError(
                    f"record {key[0]!r}, response {key[1]}",
                    expected="finite reference log-probabilities",
                    found="NaN or infinity",
                    fix="use another model.dtype or check the model's weights",
                )
            self._known[key] = self._new[key] = piece.numpy()
        waits = time.monotonic() - self._written_s
        if waits >= SHARD_S or sum(len(piece) for piece in self._new.values()) >= SHARD_TOKENS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting as one file, which appears whole or not at all. Raises StorageError."""
        self._written_s = time.monotonic()
        if not self._new:
            return
        ids, responses, digests = zip(*self._new, strict=True)
        columns = [list(ids), list(responses), list(digests), list(self._new.values())]
        table = pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
        path = self.folder / f"{uuid.uuid4().hex}.parquet"
        with replacing(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        self._new.clear()


def _require_own(folder: Path, about: dict[str, Any]) -> None:
    """Raise ConfigError where caches of other references, but none of this one, lie beside `folder`."""
    others = [] if folder.exists() else sorted(folder.parent.glob("*/about.json"))
    if others:
        parts = min((find_differences(_read_about(path), about) for path in others), key=len)
        raise ConfigError(
            f"reference cache {folder.parent}",
            expected="log-probs of the reference of this run",
            found="those of another one, which differs in " + ", ".join(parts),
            fix="name another folder as reference_cache, or remove this one if it is not needed any more",
        )


def _read_about(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _keys(row: TreeRow) -> list[Key]:
    """Of every response in the row: record id, number within the record, digest."""
    digests = digest_samples(row.samples)
    return [
        (sample.id, number, digest)
        for sample, own in zip(row.samples, digests, strict=True)
        for number, digest in enumerate(own)
    ]
