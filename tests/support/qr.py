"""Reads a QR code (ISO/IEC 18004) from a picture, as a camera would, for tests: version 2, alphanumeric, undamaged.

Written apart from what makes the codes, so that the two agree on nothing but the standard.
"""

import io
from collections.abc import Iterator

from PIL import Image

SIZE = 25
"""Modules a side of version 2."""
_SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def read_qr(picture: bytes) -> str:
    """The text of the code that fills a PNG, upright, with a light border."""
    image = Image.open(io.BytesIO(picture)).convert("L")
    # A browser's picture of an element may have a part of the neighbouring pixels at its edges.
    dark = _modules(image.crop((2, 2, image.width - 2, image.height - 2)))
    mask = sum(dark[8][2 + bit] << (2 - bit) for bit in range(3)) ^ 0b101
    bits = "".join(str(dark[row][column] ^ _turned(mask, row, column)) for row, column in _places())
    assert bits[:4] == "0010", "not alphanumeric"
    length, at, text = int(bits[4:13], 2), 13, ""
    while length > 1:
        first, second = divmod(int(bits[at : at + 11], 2), len(_SYMBOLS))
        text, at, length = text + _SYMBOLS[first] + _SYMBOLS[second], at + 11, length - 2
    return text + (_SYMBOLS[int(bits[at : at + 6], 2)] if length else "")


def _modules(image: Image.Image) -> list[list[int]]:
    left, top, right, bottom = image.point(lambda grey: 255 if grey < 128 else 0).getbbox() or (0, 0, 0, 0)
    assert min(left, top, image.width - right, image.height - bottom) > 3 * (right - left) / SIZE, "no quiet zone"
    middles = [(number + 0.5) / SIZE for number in range(SIZE)]
    return [
        [int(image.getpixel((left + x * (right - left), top + y * (bottom - top))) < 128) for x in middles]
        for y in middles
    ]


def _turned(mask: int, row: int, column: int) -> int:
    product, total = row * column, row + column
    remainders = (
        total % 2,
        row % 2,
        column % 3,
        total % 3,
        (row // 2 + column // 3) % 2,
        product % 2 + product % 3,
        (product % 2 + product % 3) % 2,
        (total % 2 + product % 3) % 2,
    )
    return int(remainders[mask] == 0)


def _places() -> Iterator[tuple[int, int]]:
    """Where the data's bits stand, in their order."""
    upward = True
    for right in (*range(SIZE - 1, 6, -2), 5, 3, 1):
        for row in range(SIZE - 1, -1, -1) if upward else range(SIZE):
            for column in (right, right - 1):
                if not _is_fixed(row, column):
                    yield row, column
        upward = not upward


def _is_fixed(row: int, column: int) -> bool:
    corner = (row < 9 and (column < 9 or column >= SIZE - 8)) or (row >= SIZE - 8 and column < 9)
    return corner or 6 in (row, column) or (abs(row - 18) <= 2 and abs(column - 18) <= 2)
