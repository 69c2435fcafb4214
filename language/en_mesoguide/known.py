"""Vectors of the messages that a training reads, encoded once when the package is built.

A training reads ten thousand messages, and encoding them is most of its work although few of
them change from one training to the next. Here they are kept by a hash of their text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = "known.npz"
CALIBRATION = "calibration.npz"
"""The like for what the safety stop learns from at each training: the clues."""
HASH_BYTES = 16

Rows = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Rows]


class Known:
    """Rows of numbers by text, kept as 16-bit numbers."""

    def __init__(self, rows: dict[bytes, NDArray[np.float16]] | None = None) -> None:
        self._rows = rows or {}

    @classmethod
    def load(cls, file: Path) -> Known:
        """Read what :meth:`save` wrote to ``file``; nothing is known where there is none."""
        if not file.is_file():
            return cls()
        with np.load(file, allow_pickle=False) as stored:
            hashes, rows = stored["hashes"], stored["rows"]
        return cls({name.tobytes(): row for name, row in zip(hashes, rows, strict=True)})

    def save(self, file: Path) -> None:
        """Write everything to ``file``."""
        hashes = np.frombuffer(b"".join(self._rows), np.uint8).reshape(-1, HASH_BYTES)
        np.savez(file, hashes=hashes, rows=np.stack(list(self._rows.values())))

    def rows(self, texts: Sequence[str], encode: Encode) -> Rows:
        """Return a row a text: what is known, and what ``encode`` makes of the others."""
        names = [_hash(text) for text in texts]
        new = {name: text for name, text in zip(names, texts, strict=True) if name not in self._rows}
        found = dict(zip(new, encode(list(new.values())), strict=True)) if new else {}
        return np.stack([np.asarray(found.get(name, self._rows.get(name)), np.float32) for name in names])

    def only(self, texts: Sequence[str], encode: Encode) -> Known:
        """Return the rows of ``texts`` and no others."""
        rows = self.rows(texts, encode).astype(np.float16)
        return Known(dict(zip(map(_hash, texts), rows, strict=True)))


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()
