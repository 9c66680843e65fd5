"""What stands for a text, so that its copies are found whatever their spelling. Pure.

In: a text as `normalise` folds it, without its links and addresses; out: a key, the same for texts that fold alike.
"""

from hashlib import blake2b
from typing import Final

LEAST_BYTES: Final = 40
"""What is shorter, many people write independently: it makes no campaign."""


def key_of_text(folded: bytes) -> str | None:
    """BLAKE2b-128 of a folded text in the form of a UUID; None for one that is too short to tell copies by."""
    return None if len(folded) < LEAST_BYTES else as_uuid(blake2b(folded, digest_size=16).hexdigest())


def as_uuid(digits: str) -> str:
    """32 hexadecimal digits in the form of a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
