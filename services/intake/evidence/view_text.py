"""Viewing copies of plain text: UTF-8, one kind of line end, nothing invisible that changes how it reads. Pure."""

import codecs
import re
from typing import BinaryIO, Final

from services.intake.evidence.documents import text_encoding
from services.intake.evidence.kinds import RefusedFileError
from services.intake.evidence.source import Source

_LEFT_OUT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control characters, bidirectional embeddings, overrides and isolates, and invisible ones that carry hidden text.
The marks U+200C to U+200F stay: Persian, Amazigh and emoji are written with them."""

for _encoding in ("utf-8-sig", "utf-16"):
    codecs.lookup(_encoding)  # loaded now, since inside the fence no file can be opened, not even the interpreter's own


def copy_text(file: BinaryIO, view: BinaryIO) -> None:
    """Write the text of `file` to `view`. Raises `RefusedFileError`: not a text."""
    source = Source(file)
    encoding = text_encoding(source)
    if encoding is None:
        raise RefusedFileError("damaged_file")
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in source.chunks(0, source.size):
        view.write(_LEFT_OUT.sub("", decoder.decode(chunk)).encode())
