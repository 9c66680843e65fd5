"""A communiqué as plain text: tables that a journalist can read, in one of four languages.

In: a `Sheet`. Out: lines of text, ending with a newline. Columns are kept by width as a terminal shows it: marks that
combine with a letter take none.
"""

import unicodedata
from typing import Final

from services.stats.sheet import Line, Sheet
from services.stats.wording import say

_LABEL_WIDTH: Final = 46
_COLUMN_WIDTHS: Final = (9, 9, 15, 11)


def text(sheet: Sheet) -> str:
    """The whole communiqué."""
    width = _LABEL_WIDTH + sum(_COLUMN_WIDTHS[: len(sheet.columns)])
    written = [sheet.title, sheet.period, "", _row("", sheet.columns)]
    for section in sheet.sections:
        written += [section.title, "─" * width, *(_line(line, sheet) for line in section.lines), ""]
    written += [*sheet.notes, ""]
    written += [f"{say('log', sheet.language)}: {', '.join(sheet.log)}"] if sheet.log else []
    written += [
        f"{say('key', sheet.language)}: {sheet.key_id}",
        f"{say('signature', sheet.language)}: {sheet.signature}",
    ]
    return "\n".join(each.rstrip() for each in written) + "\n"


def _line(line: Line, sheet: Sheet) -> str:
    columns = (line.count, line.share, line.before, line.change)[: len(sheet.columns)]
    row = _row("  " * line.depth + line.label, columns)
    return f"{row}  ({line.words})" if line.words else row


def _row(label: str, columns: tuple[str, ...]) -> str:
    wrapped = label if _width(label) <= _LABEL_WIDTH else _shortened(label)
    padding = " " * (_LABEL_WIDTH - _width(wrapped.rpartition("\n")[2]))
    return (
        wrapped + padding + "".join(_right(text, width) for text, width in zip(columns, _COLUMN_WIDTHS, strict=False))
    )


def _right(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text


def _shortened(label: str) -> str:
    """A label too long for its column goes on in further lines, indented once more."""
    indent = " " * (len(label) - len(label.lstrip()) + 2)
    rows: list[str] = []
    current = ""
    for word in label.lstrip().split(" "):
        candidate = f"{current} {word}" if current else indent[2:] + word if not rows else indent + word
        if current and _width(candidate) > _LABEL_WIDTH:
            rows.append(current)
            current = indent + word
        else:
            current = candidate
    return "\n".join([*rows, current])


def _width(text_: str) -> int:
    return sum(not unicodedata.combining(letter) for letter in text_)
