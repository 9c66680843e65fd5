"""What the page with the receipt shows.

The receipt stands there as text in groups, spelt out for screen readers, and as a QR code of the same text: not of an
address, so that no camera sends it anywhere. Beside it stands the signed receipt, to be saved as a file.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import segno

from services.intake.http import Accepted


def values(accepted: Accepted) -> Mapping[str, Any]:
    """For `receipt.html`: the receipt, how it is read aloud, its QR code, the signed receipt as JSON or None."""
    signed = accepted.signed_receipt
    return {
        "receipt": accepted.receipt,
        "aloud": ", ".join(" ".join(group) for group in accepted.receipt.split("-")),
        "qr": qr_code(accepted.receipt),
        "signed_receipt": None if signed is None else orjson.dumps(signed).decode(),
    }


def qr_code(text: str) -> str:
    """`text` as an SVG element that may stand in a page: without style attributes, which the page's policy refuses,
    and on a white ground of its own, so that it can be scanned from a dark page too."""
    return segno.make(text, error="m", micro=False).svg_inline(scale=6, border=4, dark="#000", light="#fff")
