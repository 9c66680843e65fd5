"""The files of a report as hard indicators: two reports with the same file speak of the same act. Pure.

A file is named by its SHA-256 as a URI (RFC 6920, section 3), so it is an indicator of kind `url`, as the address of a
crypto-currency is one by its own scheme: no link keeps a scheme, so none can be taken for a file.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from ibalagh.events.reports import Attachment, Indicator
from ibalagh.events.vocabulary import IndicatorKind
from services.triage.entities.extract import MAX_INDICATORS

FILE_SCHEME: Final = "ni:///sha-256;"
_CRYPTO: Final = ("bitcoin:", "ethereum:", "tron:")


class Shown(StrEnum):
    """What an indicator of kind `url` is to people."""

    URL = "url"
    FILE = "file"
    CRYPTO = "crypto"


@lru_cache(maxsize=1_024)
def file_indicator(sha256: str) -> Indicator:
    """The indicator of a file; `sha256` in hexadecimal digits."""
    digest = urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()
    return Indicator(kind=IndicatorKind.URL, value=FILE_SCHEME + digest)


def with_files(indicators: tuple[Indicator, ...], files: Sequence[Attachment]) -> tuple[Indicator, ...]:
    """The indicators of a text with those of the files, each once; where they are too many, the text's last give way,
    since a file says more than the sixtieth link."""
    if not files:
        return indicators
    of_files = tuple({each.sha256: file_indicator(each.sha256) for each in files}.values())
    return indicators[: MAX_INDICATORS - len(of_files)] + of_files


def shown_kind(indicator: Indicator) -> str:
    """What an indicator is called to people: its kind, but for files and addresses of crypto-currencies."""
    if indicator.kind is not IndicatorKind.URL:
        return indicator.kind.value
    if indicator.value.startswith(FILE_SCHEME):
        return Shown.FILE.value
    return Shown.CRYPTO.value if indicator.value.startswith(_CRYPTO) else Shown.URL.value
