"""Which texts resemble each other, whatever their spelling: MinHash over a batch, cut into bands. Pure.

In: texts as `normalise` folds them; out: for each a sketch, 8 bands of 32 bits in hexadecimal digits. A band is a hash
of four minima over the text's shingles of five characters, so of two texts with a share s of common shingles each band
agrees with probability s⁴ (A. Broder, "On the resemblance and containment of documents", 1997; bands as in
J. Leskovec, A. Rajaraman, J. Ullman, "Mining of Massive Datasets", section 3.4). With `LEAST_BANDS` of 8 in common, a
pair with s = 0.8 is found nine times of ten, one with s = 0.2 once in ten thousand times. Only ever a suggestion.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

BANDS: Final = 8
LEAST_BANDS: Final = 2
MOST_BYTES: Final = 2_000
"""Of a longer text the beginning: a campaign that differs only after that is found by hand."""
_ROWS: Final = 4
_AT_ONCE_BYTES: Final = 4_096
"""Texts that are hashed together: their values, 256 bytes for each of theirs, stay in a processor's nearer caches."""
_SHINGLE: Final = 5
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: multiplying by it spreads neighbouring values (D. Knuth, TAOCP 3, section 6.4)."""
_HALF: Final = np.uint64(32)
_NONE: Final = np.uint64(2**64 - 1)
_random = np.random.Generator(np.random.PCG64(20240603))
_FACTORS: Final = _random.integers(0, 2**63, (BANDS * _ROWS, 1), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_ADDENDS: Final = _random.integers(0, 2**63, (BANDS * _ROWS, 1), dtype=np.uint64)
"""Part of the form of a sketch: others would resemble none that was made before."""


def sketches(folded: Sequence[bytes]) -> list[str]:
    """The sketches of texts of at least five bytes each, in order. Each is the same in whatever company it comes."""
    found: list[str] = []
    together: list[bytes] = []
    size_bytes = 0
    for text in folded:
        together.append(text[:MOST_BYTES])
        size_bytes += len(together[-1])
        if size_bytes >= _AT_ONCE_BYTES:
            found += _sketches(together)
            together, size_bytes = [], 0
    return found + _sketches(together) if together else found


def _sketches(texts: Sequence[bytes]) -> list[str]:
    hashes = _shingles(np.frombuffer(b"".join(texts), np.uint8).astype(np.uint64))
    ends = np.cumsum([len(text) for text in texts])
    starts = np.concatenate(([0], ends[:-1]))
    across = (ends[:, None] - np.arange(1, _SHINGLE)).ravel()
    values = hashes * _FACTORS + _ADDENDS
    values ^= values >> _HALF
    values[:, across] = _NONE  # shingles that begin in one text and end in the next
    minima = np.minimum.reduceat(values, starts, axis=1).reshape(BANDS, _ROWS, len(texts))
    bands = minima[:, 0]
    for row in range(1, _ROWS):
        bands = bands * _ODD ^ minima[:, row]
    return [row.tobytes().hex() for row in (bands * _ODD >> _HALF).astype(">u4").T]


def bands_of(sketch: str) -> list[int]:
    """A sketch's bands as numbers, each different from all of other places: below 2³⁵."""
    return [(place << 32) | int(sketch[8 * place : 8 * place + 8], 16) for place in range(BANDS)]


def resemblance(common: int) -> float:
    """The share of common shingles that is likeliest for so many common bands, from 0 to 1."""
    return round(float((common / BANDS) ** (1 / _ROWS)), 2)


def _shingles(characters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of the five characters from each place on; at the end of all, of fewer."""
    padded = np.concatenate((characters, np.zeros(_SHINGLE - 1, np.uint64)))
    hashes = np.zeros(len(characters), np.uint64)
    for offset in range(_SHINGLE):
        hashes = hashes * _ODD + padded[offset : offset + len(characters)] + np.uint64(1)
    hashes ^= hashes >> _HALF
    return hashes
