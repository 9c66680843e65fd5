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
Buckets = NDArray[np.int32]
Hashes = NDArray[np.uint32]

BITS: Final = 17
BUCKETS: Final = 1 << BITS
"""Buckets of each group."""
GROUPS: Final = 4
"""Groups: n-grams of the letters, words and pairs of the letters, the same two of the skeletons."""
_SPACE: Final = 0x20
_N_GRAMS: Final = range(2, 6)
"""Letters of an n-gram, the spaces at a word's edges counted."""
_WORD, _PAIR = 1, 6
"""Their numbers among the kinds of features, where an n-gram's is its length."""
_BASE: Final = 0x9E3779B1
_UNBASE: Final = pow(_BASE, -1, 1 << 32)
_MIXER: Final = np.uint32(0x85EBCA6B)
_SHIFT: Final = np.uint32(32 - BITS)


class Joined(NamedTuple):
    """Texts one after another, a byte a letter, each with one space before, between and after its words; and where each
    begins."""

    letters: NDArray[np.uint8]
    begins: Integers


class Found(NamedTuple):
    """Features of one kind, in the order of the texts: the group, each feature's bucket (below `GROUPS * BUCKETS`), the
    place of its first letter and of the first one after it, and the number of the first feature of each text."""

    group: int
    buckets: Buckets
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
    codes = letters + np.uint32(1)
    space = letters == _SPACE
    spaces = np.flatnonzero(space)
    parting = np.diff(spaces) == 1

    def found(group: int, kind: int, hashes: Hashes, places: Integers, ends: Integers) -> Found:
        return Found(group, _buckets(hashes, kind, group), places, ends, np.searchsorted(places, begins))

    # An n-gram's hash is the shorter one's and one letter more; it begins anywhere but at the space that ends a text,
    # and has no space inside.
    whole = np.ones(len(letters), bool)
    whole[spaces[:-1][parting]] = False
    hashes, within = codes, ~space
    for length in _N_GRAMS:
        count = max(0, len(letters) - length + 1)
        hashes = hashes[:count] * np.uint32(_BASE) + codes[length - 1 :]
        whole = whole[:count] & within[length - 2 : length - 2 + count] if length > 2 else whole[:count]
        places = np.flatnonzero(whole)
        yield found(first_group, length, hashes[places], places, places + length)

    # Whatever stands between two places is one difference of prefix sums, made the same wherever it stands by the
    # inverse of the base (which is odd, so it has one modulo 2^32).
    sums = np.zeros(len(letters) + 1, np.uint32)
    np.cumsum(codes * _powers(_BASE, len(letters)), dtype=np.uint32, out=sums[1:])
    back = _powers(_UNBASE, len(letters))
    word = ~parting
    pair = word[:-1] & word[1:]
    for kind, places, ends in (
        (_WORD, spaces[:-1][word], spaces[1:][word]),
        (_PAIR, spaces[:-2][pair], spaces[2:][pair]),
    ):
        yield found(first_group + 1, kind, (sums[ends] - sums[places]) * back[places], places, ends)


def _buckets(hashes: Hashes, kind: int, group: int) -> Buckets:
    mixed = hashes + np.uint32(kind * _BASE & 0xFFFFFFFF)
    mixed ^= mixed >> _SHIFT
    mixed *= _MIXER
    return (mixed >> _SHIFT).astype(np.int32) + np.int32(group * BUCKETS)


def _powers(base: int, count: int) -> Hashes:
    """base^0 … base^(count-1) modulo 2^32."""
    factors = np.full(count, base, np.uint32)
    factors[0] = 1
    return np.multiply.accumulate(factors, dtype=np.uint32)
