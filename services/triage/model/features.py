"""What the model sees of texts: hashed character n-grams within words, words, and pairs of words, for many at once.

Feature hashing (Weinberger and others, 2009): a feature is a bucket and no entry of a dictionary, so that finding those
of a hundred texts is some vector operations on their bytes. Each text is seen twice: in the letters of the folded text
(`normalise`, one byte a letter) and in its skeleton, which is the same for the many ways of spelling a word of Darija
in both scripts.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.triage.model.skeleton import skeleton

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

BITS: Final = 17
BUCKETS: Final = 1 << BITS
"""Buckets of each group."""
GROUPS: Final = 4
"""Groups: n-grams of the letters, words and pairs of the letters, the same two of the skeletons."""
_SPACE: Final = 0x20
_N_GRAMS: Final = range(2, 6)
"""Letters of an n-gram, the spaces at a word's edges counted."""
_BASE: Final = 0x9E3779B97F4A7C15
_UNBASE: Final = pow(_BASE, -1, 1 << 64)
_SHIFT: Final = np.uint64(64 - BITS)
_HALF: Final = np.uint64(32)


class Joined(NamedTuple):
    """Texts one after another, a byte a letter, each with one space before, between and after its words; and where each
    begins."""

    letters: NDArray[np.uint8]
    begins: Integers


class Found(NamedTuple):
    """Features of one kind, in the order of the texts: the group, each feature's bucket (below `GROUPS * BUCKETS`), the
    place of its first letter and of the first one after it, and the number of the first feature of each text."""

    group: int
    buckets: Integers
    places: Integers
    ends: Integers
    starts: Integers


def join_texts(folded: Sequence[bytes]) -> Joined:
    """Folded texts (`normalise.join`) as one."""
    begins = np.zeros(len(folded), np.int64)
    np.cumsum([len(text) for text in folded[:-1]], out=begins[1:])
    return Joined(np.frombuffer(b"".join(folded), np.uint8), begins)


def features(folded: Sequence[bytes]) -> Iterator[Found]:
    """The features of folded texts, kind by kind; linear in their bytes. No text: no features."""
    if folded:
        joined = join_texts(folded)
        yield from _features(joined, 0)
        yield from _features(Joined(*skeleton(*joined)), 2)


def _features(joined: Joined, first_group: int) -> Iterator[Found]:
    letters, begins = joined
    # Whatever stands between two places is one difference of prefix sums, made the same wherever it stands by the
    # inverse of the base (which is odd, so it has one modulo 2^64).
    sums = np.zeros(len(letters) + 1, np.uint64)
    np.cumsum((letters + np.uint64(1)) * _powers(_BASE, len(letters)), out=sums[1:])
    back = _powers(_UNBASE, len(letters))
    spaces = np.flatnonzero(letters == _SPACE)
    parting = np.diff(spaces) == 1

    def found(group: int, kind: int, places: Integers, ends: Integers) -> Found:
        hashes = (sums[ends] - sums[places]) * back[places] + np.uint64(kind)
        buckets = ((hashes ^ (hashes >> _HALF)) * np.uint64(_BASE)) >> _SHIFT
        starts = np.searchsorted(places, begins)
        return Found(group, buckets.astype(np.int64) + group * BUCKETS, places, ends, starts)

    # How many letters may follow each: up to the next space; none from the space that ends a text.
    everywhere = np.arange(len(letters))
    room = np.append(spaces, 0)[np.searchsorted(spaces, everywhere, side="right")] - everywhere
    room[spaces[:-1][parting]] = 0
    for length in _N_GRAMS:
        places = np.flatnonzero(room >= length - 1)
        yield found(first_group, length, places, places + length)
    word = ~parting
    yield found(first_group + 1, 1, spaces[:-1][word], spaces[1:][word])
    pair = word[:-1] & word[1:]
    yield found(first_group + 1, 2, spaces[:-2][pair], spaces[2:][pair])


def _powers(base: int, count: int) -> Hashes:
    """base^0 … base^(count-1) modulo 2^64."""
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)
