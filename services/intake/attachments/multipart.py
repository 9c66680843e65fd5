"""A `multipart/form-data` body as it comes in, part by part (RFC 7578); nothing of it is kept here.

In: the body's pieces; out: what they say, in order: a part begins, some of its data, it ends. Raises `BadFormError` for
what is no such body, or has too many parts; the parser itself bounds the lines of a part's head.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

MEDIA_TYPE: Final = "multipart/form-data"
MOST_PARTS: Final = 200
_MOST_BOUNDARY_BYTES: Final = 70


class BadFormError(Exception):
    """The body is no form."""


class Begun(NamedTuple):
    """A part begins: the field's name, and the file's, which only a file has (empty: none was chosen)."""

    name: str
    filename: str | None


class Data(NamedTuple):
    """Some of the part's data."""

    piece: bytes


class Ended(NamedTuple):
    """The part is whole."""


Said = Begun | Data | Ended


class Multipart:
    """Reads one body."""

    def __init__(self, content_type: str) -> None:
        """Raises `BadFormError` when the header names no boundary."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind.decode("latin-1") != MEDIA_TYPE or not 0 < len(boundary) <= _MOST_BOUNDARY_BYTES:
            raise BadFormError
        self._said: list[Said] = []
        self._field = b""
        self._value = b""
        self._disposition = b""
        self._parts = 0
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError:
            raise BadFormError from None

    def feed(self, piece: bytes) -> Sequence[Said]:
        """What this piece of the body says. Raises `BadFormError`."""
        try:
            self._parser.write(piece)
        except FormParserError:
            raise BadFormError from None
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        """The body is over. Raises `BadFormError` when it was cut off."""
        if not self._ended:
            raise BadFormError

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BadFormError
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise BadFormError
        filename = options.get(b"filename")
        self._said.append(Begun(_text(options[b"name"]), None if filename is None else _text(filename)))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._said.append(Data(data[start:end]))

    def _on_part_end(self) -> None:
        self._said.append(Ended())

    def _on_end(self) -> None:
        self._ended = True


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
