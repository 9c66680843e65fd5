"""Addresses of crypto-currencies: their shapes, and whether their checksums hold.

Bitcoin: Base58Check, and Bech32 or Bech32m (BIP 173, BIP 350); Tron: Base58Check with the version 0x41; Ethereum: 20
bytes in hexadecimal digits, with EIP-55's checksum when it has letters of both cases. Keccak-256 is the sponge before
its standard's last change of padding, so `hashlib.sha3_256` does not give it.
"""

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

ADDRESS: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:0x[0-9a-fA-F]{40}|bc1[0-9a-z]{11,71}|BC1[0-9A-Z]{11,71}"
    r"|[13][1-9A-HJ-NP-Za-km-z]{25,34}|T[1-9A-HJ-NP-Za-km-z]{33})(?![A-Za-z0-9])"
)
"""The shape of an address, whatever its checksum."""
SHORTEST: Final = 14
"""Characters of the shortest."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_PAYLOAD: Final = 25
_BITCOIN_VERSIONS: Final = frozenset((0x00, 0x05))
_TRON_VERSION: Final = 0x41
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_CONSTANTS: Final = {0: 1}
_BECH32M_CONSTANT: Final = 0x2BC830A3
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PREFIX: Final = "bc"


@lru_cache(maxsize=4_096)
def canonical(written: str) -> str | None:
    """The address as a URI (`bitcoin:`, BIP 21; `ethereum:`, EIP-681; `tron:`), when its checksum holds; else None.

    Bech32 and Ethereum's digits are in lower case, so that the spellings of one address are one.
    """
    if written.startswith("0x"):
        return "ethereum:" + written.lower() if _is_ethereum(written[2:]) else None
    if written[:3].lower() == "bc1":
        return "bitcoin:" + written.lower() if _is_bech32(written.lower()) else None
    if not _is_base58(written):
        return None
    return ("tron:" if written.startswith("T") else "bitcoin:") + written


def _is_base58(written: str) -> bool:
    number = 0
    for char in written:
        digit = _BASE58.find(char)
        if digit < 0:
            return False
        number = number * 58 + digit
    if number.bit_length() > 8 * _BASE58_PAYLOAD:
        return False
    raw = number.to_bytes(_BASE58_PAYLOAD, "big")
    if raw[0] not in _BITCOIN_VERSIONS | {_TRON_VERSION} or (raw[0] == _TRON_VERSION) != written.startswith("T"):
        return False
    zeros = len(written) - len(written.lstrip("1"))
    payload_zeros = len(raw) - len(raw.lstrip(b"\0"))
    return zeros == payload_zeros and sha256(sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _is_bech32(written: str) -> bool:
    values = [_BECH32.find(char) for char in written[len(_PREFIX) + 1 :]]
    if min(values) < 0:
        return False
    checksum = 1
    for value in (*(ord(char) >> 5 for char in _PREFIX), 0, *(ord(char) & 31 for char in _PREFIX), *values):
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            checksum ^= generator if top >> bit & 1 else 0
    version, program = values[0], values[1:-6]
    size = len(program) * 5 // 8
    fits = size in (20, 32) if version == 0 else 2 <= size <= 40
    return version <= 16 and fits and checksum == _BECH32_CONSTANTS.get(version, _BECH32M_CONSTANT)


def _is_ethereum(digits: str) -> bool:
    if digits in (digits.lower(), digits.upper()):
        return True
    hashed = _keccak_256(digits.lower().encode()).hex()
    return all(
        not char.isalpha() or char.isupper() == (int(nibble, 16) >= 8)
        for char, nibble in zip(digits, hashed, strict=False)
    )


_MASK: Final = (1 << 64) - 1
_RATE: Final = 136
_ROTATIONS: Final = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)


def _round_constants() -> tuple[int, ...]:
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << ((1 << power) - 1)
            register = register << 1 ^ (0x171 if register >> 7 else 0)
        constants.append(constant)
    return tuple(constants)


_ROUND_CONSTANTS: Final = _round_constants()


def _rotated(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _MASK


def _permuted(lanes: list[list[int]]) -> list[list[int]]:
    for constant in _ROUND_CONSTANTS:
        columns = [row[0] ^ row[1] ^ row[2] ^ row[3] ^ row[4] for row in lanes]
        for x in range(5):
            mixed = columns[x - 1] ^ _rotated(columns[(x + 1) % 5], 1)
            lanes[x] = [lane ^ mixed for lane in lanes[x]]
        moved = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                moved[y][(2 * x + 3 * y) % 5] = _rotated(lanes[x][y], _ROTATIONS[x][y])
        lanes = [
            [moved[x][y] ^ (~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y] & _MASK) for y in range(5)] for x in range(5)
        ]
        lanes[0][0] ^= constant
    return lanes


def _keccak_256(message: bytes) -> bytes:
    """Keccak-256 of a message shorter than one block (136 bytes), as Ethereum uses it."""
    block = bytearray(message.ljust(_RATE, b"\0"))
    block[len(message)] ^= 0x01
    block[-1] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for number in range(_RATE // 8):
        lanes[number % 5][number // 5] = int.from_bytes(block[8 * number : 8 * number + 8], "little")
    lanes = _permuted(lanes)
    return b"".join(lanes[x][0].to_bytes(8, "little") for x in range(4))
