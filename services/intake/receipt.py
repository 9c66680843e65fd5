"""Receipts: the secret that a reporter keeps to ask what became of a report.

26 random Crockford base32 symbols (130 bits) and one check symbol, shown as nine groups of three. The check symbol
makes the sum of c[i]·α^i over GF(32) zero, so any one wrong symbol and any two neighbours swapped are noticed. Only an
HMAC-SHA-256 of a receipt is stored: with 130 random bits no slow hash is needed.
"""

import unicodedata
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O, U."""
SYMBOLS: Final = 26
GROUP: Final = 3

_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))

_FIELD_POLYNOMIAL: Final = 0b100101  # x^5 + x^2 + 1, primitive over GF(2)
_PAIRS: Final = [first + second for first in ALPHABET for second in ALPHABET]
_LOOK_ALIKES: Final = {"O": "0", "I": "1", "L": "1"}
_AS_MEANT: Final = str.maketrans({chr(code): None for code in range(128) if not chr(code).isalnum()} | _LOOK_ALIKES)


def _double(value: int) -> int:
    value <<= 1
    return value ^ _FIELD_POLYNOMIAL if value & 32 else value


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = _double(left)
        right >>= 1
    return product


def _weighted() -> list[dict[str, int]]:
    """Per place of a receipt's body, the product of each symbol's value and the place's weight, α to the place."""
    tables = []
    weight = 1
    for _ in range(SYMBOLS):
        weight = _double(weight)
        tables.append({symbol: _times(value, weight) for value, symbol in enumerate(ALPHABET)})
    return tables


_WEIGHTED: Final = _weighted()
_WEIGHTED_PAIRS: Final = [
    [first[pair[0]] ^ second[pair[1]] for pair in _PAIRS]
    for first, second in zip(_WEIGHTED[::2], _WEIGHTED[1::2], strict=True)
]
"""The same for two places at once, by the pair's number."""
_PLACES: Final = range(5 * SYMBOLS - 10, -1, -10)
"""Where a pair's ten bits stand in the number that a receipt's body is."""


class Secrets(NamedTuple):
    """What receipts, retries, proofs of work and ids of files are keyed with, each derived from one root secret that is
    never used itself."""

    receipt: bytes
    pepper: bytes
    retry: bytes
    proof: bytes
    attachment: bytes

    @classmethod
    def from_root(cls, root: bytes) -> "Secrets":
        """The five keys of a root secret of at least 32 random bytes; ValueError when it is shorter."""
        if len(root) < 32:
            raise ValueError("a receipt secret has at least 32 bytes")
        uses = (b"receipt", b"pepper", b"retry", b"proof", b"attachment")
        return cls(*(keyed_hash(root, b"ibalagh intake %s v1" % use) for use in uses))


def keyed_hash(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104). By hand, from states that are begun once for each key: a report needs four, and the
    library looks its algorithm up and begins anew for each, at three times the cost. A test holds it to the library."""
    begun_inner, begun_outer = _begun(key)
    inner, outer = begun_inner.copy(), begun_outer.copy()
    inner.update(message)
    outer.update(inner.digest())
    digest: bytes = outer.digest()
    return digest


@lru_cache(maxsize=16)
def _begun(key: bytes) -> tuple[Any, Any]:
    """The inner and the outer hash, after the key; a longer key than a block is hashed first."""
    block = (key if len(key) <= _BLOCK_BYTES else sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


def derive(secret: bytes, *parts: bytes) -> str:
    """The receipt, in its shown form, that belongs to `parts`: the same parts give the same receipt.

    Unguessable as long as the secret, or one of the parts, is.
    """
    message = b"".join([len(part).to_bytes(4, "big") + part for part in parts])
    number = int.from_bytes(keyed_hash(secret, message), "big") >> (256 - 5 * SYMBOLS)
    pairs = [number >> place & 1023 for place in _PLACES]
    total = 0
    for weighted, pair in zip(_WEIGHTED_PAIRS, pairs, strict=True):
        total ^= weighted[pair]
    whole = "".join([_PAIRS[pair] for pair in pairs]) + ALPHABET[total]
    return "-".join([whole[start : start + GROUP] for start in range(0, len(whole), GROUP)])


def hash_of_shown(pepper: bytes, receipt: str) -> bytes:
    """`stored_hash` of a receipt as `derive` gives it."""
    return keyed_hash(pepper, receipt.replace("-", "").encode())


def stored_hash(pepper: bytes, receipt: str) -> bytes:
    """What is stored of a receipt, whichever way it was typed."""
    return keyed_hash(pepper, normalise(receipt).encode())


def normalise(typed: str) -> str:
    """A receipt as typed by a person, without hyphens and spaces; look-alike letters and other digits become ours."""
    if not typed.isascii():
        plain = unicodedata.normalize("NFKC", typed)
        typed = "".join(str(unicodedata.digit(symbol)) if symbol.isdigit() else symbol for symbol in plain)
    return typed.upper().translate(_AS_MEANT)


def is_well_formed(typed: str) -> bool:
    """Whether `typed` has the length and the symbols of a receipt, and its check symbol fits."""
    text = normalise(typed)
    return len(text) == SYMBOLS + 1 and set(text) <= set(ALPHABET) and check_symbol(text[:-1]) == text[-1]


def check_symbol(body: str) -> str:
    """The symbol that makes the weighted sum zero; `body` has `SYMBOLS` symbols of the alphabet."""
    total = 0
    for symbol, weighted in zip(body, _WEIGHTED, strict=True):
        total ^= weighted[symbol]
    return ALPHABET[total]
