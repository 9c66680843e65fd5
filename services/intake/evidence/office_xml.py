"""One XML part of an office document, written anew without what tells of people and without what acts. Pure.

In: pieces of the part; out: pieces of the same part in UTF-8. A document type, and so every entity, is refused; so is
XML that is not well formed or nested deeply (`damaged_file`). Comments and processing instructions are left out.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from services.intake.evidence.kinds import RefusedFileError

_DEEPEST: Final = 500
_NOWHERE: Final = "about:blank"
_NOBODY: Final = "-"
_SKIPPED: Final = frozenset(
    {
        *("rsids", "mailMerge", "docVars", "absPath", "scripts", "event-listeners", "proofState"),
        *("fileSharing", "dde-source", "dde-connection-decls"),
    }
)
"""Elements that go with all inside: of Word's settings, of Excel's workbook, of OpenDocument's content."""
_EMPTIED: Final = frozenset({"instrText", "delInstrText", "author", "creator", "creator-initials", "sender-initials"})
"""Elements that stay without their text: fields of Word, which may fetch or start something, and names of people."""
_NAMES: Final = frozenset({"author", "userName", "initials", "userId", "providerId", "lastModifiedBy", "creator"})
_PEOPLE: Final = frozenset({"cmAuthor", "author", "person"})
"""Elements whose `name` is a person's."""
_TIMES: Final = frozenset({"date", "dateUtc", "dt"})
_TIMED: Final = frozenset({"cm", "ins", "del", "comment", "commentExtensible", "moveFrom", "moveTo", "threadedComment"})
_FORMULAS: Final = frozenset({"f", "formula1", "formula2"})
_ADDRESSES: Final = frozenset({"href", "src", "url"})
_FOREIGN: Final = re.compile(r"[^/#]*:|/|\.\.|\\")
"""An address that does not begin inside the document."""
_PROGRAM: Final = re.compile(r"ppaction://(?:program|macro|ole)", re.IGNORECASE)
_ACTING_TYPES: Final = re.compile(r"macroEnabled|vbaProject|macrosheet|ms-office\.activeX", re.IGNORECASE)

_LOOKED_AT: Final = frozenset(
    {
        *_SKIPPED,
        *_NAMES,
        *_PEOPLE,
        *_TIMES,
        *_TIMED,
        *_ADDRESSES,
        *_FORMULAS,
        *("ContentType", "encryption-data", "descr", "action", "formula", "instr", "Target", "TargetMode"),
        *("Relationship", "Override", "file-entry"),
    }
)
"""Names of elements and attributes that a rule here or of `Part.drops` speaks of."""
_SPECIAL: Final = re.compile('[&<>"\n\r\t]')

Attributes = list[tuple[str, str]]


class Part(NamedTuple):
    """What a part is: whether formulas go (a sheet's, which leave their values), and which further elements are
    dropped, by their name and attributes."""

    formulas: bool = False
    drops: Callable[[str, Mapping[str, str]], bool] = lambda _name, _attributes: False


def rewritten(pieces: Iterable[bytes], part: Part) -> Iterator[bytes]:
    """The part written anew. Raises `RefusedFileError`: `damaged_file`, `macros`, `encrypted_file`."""
    writer = _Writer(part)
    parser = expat.ParserCreate()
    parser.ordered_attributes = parser.buffer_text = True
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    yield b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            yield writer.take()
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise RefusedFileError("damaged_file") from None
    yield writer.take()


def _refuse(*_: object) -> None:
    raise RefusedFileError("damaged_file")


class _Writer:
    """Writes what the parser meets."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._out: list[str] = []
        self._open: list[str] = []
        self._skipping = 0

    def take(self) -> bytes:
        out, self._out = "".join(self._out), []
        return out.encode()

    def start(self, name: str, flat: Sequence[str]) -> None:
        if len(self._open) + self._skipping >= _DEEPEST:
            raise RefusedFileError("damaged_file")
        if self._skipping:
            self._skipping += 1
            return
        if _is_plain(name) and all(map(_is_plain, flat[::2])):
            said = "".join([f" {each}={_quoted(value)}" for each, value in zip(flat[::2], flat[1::2], strict=True)])
        else:
            given = list(zip(flat[::2], flat[1::2], strict=True))
            local, plain = _local(name), {_local(each): value for each, value in given}
            if self._goes(local, plain):
                self._skipping = 1
                return
            said = "".join([f" {each}={_quoted(value)}" for each, value in self._kept(local, plain, given)])
        self._open.append(name)
        self._out.append(f"<{name}{said}>")

    def _goes(self, local: str, plain: Mapping[str, str]) -> bool:
        """Whether an element goes with all inside. Raises `RefusedFileError` for one that says what is not taken."""
        if _ACTING_TYPES.search(plain.get("ContentType", "")):
            raise RefusedFileError("macros")
        if local == "encryption-data":
            raise RefusedFileError("encrypted_file")
        formula = self._part.formulas and local in _FORMULAS
        return formula or local in _SKIPPED or self._part.drops(local, plain)

    def end(self, name: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        self._open.pop()
        self._out.append(f"</{name}>")

    def text(self, text: str) -> None:
        if not self._skipping and not _is_emptied(self._open[-1]):
            self._out.append(escape(text, {"\r": "&#13;"}))

    def _kept(self, local: str, plain: Mapping[str, str], given: Attributes) -> Iterator[tuple[str, str]]:
        timed = local in _TIMED or "author" in plain
        outside = plain.get("TargetMode") == "External"
        for name, value in given:
            own = _local(name)
            if name.startswith("xmlns"):
                yield name, value
            elif (
                own.startswith("rsid")
                or own == "descr"
                or (own in _TIMES and timed)
                or (own == "action" and _PROGRAM.match(value))
            ):
                continue
            elif own == "formula" or (own == "instr" and local == "fldSimple"):
                if own == "instr":
                    yield name, ""
            elif own in _NAMES or (local in _PEOPLE and own in {"name", "displayName"}):
                yield name, _NOBODY
            elif (own in _ADDRESSES and _FOREIGN.match(value)) or (own == "Target" and outside):
                yield name, _NOWHERE
            else:
                yield name, value


@lru_cache(maxsize=4_096)
def _is_emptied(name: str) -> bool:
    return _local(name) in _EMPTIED or name == "dc:date"  # of a note; other dates are fields that are seen


@lru_cache(maxsize=4_096)
def _is_plain(name: str) -> bool:
    """Whether an element or attribute of this name is never looked at more closely: most of a table's are so."""
    local = _local(name)
    return not (local in _LOOKED_AT or local.startswith("rsid") or name.startswith("xmlns"))


def _quoted(value: str) -> str:
    return quoteattr(value) if _SPECIAL.search(value) else f'"{value}"'


def _local(name: str) -> str:
    return name.rpartition(":")[2]
