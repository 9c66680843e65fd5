"""Rows, tables and paragraphs on paper, in a language that may run from right to left.

In: texts and codes. Out: a PDF being drawn, to be extended by whoever knows what stands on its pages. The font is
Amiri; what it has no letter for, and what would turn the direction of a line, stands as its code point, so that no page
shows less than was written.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from fpdf.enums import Align, MethodReturnValue, WrapMode, XPos, YPos

from ibalagh.pdf import FONT, Paper

TITLE_PT, HEAD_PT, BODY_PT, TABLE_PT, SMALL_PT = 22, 14, 10.5, 8.5, 8
LINE_MM, SMALL_MM = 6.0, 4.4
GREY: Final = 110
RULE: Final = 190
MARGIN_MM: Final = 18
_SHADE: Final = 240
_LABEL_SHARE: Final = 0.32
_TURNS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows (UAX 9): in a file for a court they are shown."""
_UNSEEN: Final = frozenset("\n\u200c\u200d")
_STRONG: Final = ("L", "R", "AL")
_BELOW_MM: Final = 0.6


class Cell(NamedTuple):
    """A cell of a row: its share of the width, its text, and whether that is a code, which runs from left to right and
    breaks anywhere."""

    share: float
    text: str
    code: bool = False


class Sheets(Paper):
    """Pages of rows and paragraphs in one language."""

    def __init__(self, language: str, title: str) -> None:
        super().__init__(language, title, margin_mm=MARGIN_MM, bottom_mm=MARGIN_MM + LINE_MM)
        self._drawn = frozenset(map(chr, self.fonts[FONT.lower()].cmap)) - _TURNS  # type: ignore[union-attr]
        self._heights: dict[tuple[Cell, float, bool], float] = {}
        self.set_font(FONT, "", BODY_PT)

    def keep_together(self, lines: int) -> None:
        if self.will_page_break(lines * LINE_MM):
            self.add_page()

    def facts(self, *facts: tuple[str, str, bool]) -> None:
        for label, value, code in facts:
            self._row([Cell(_LABEL_SHARE, label), Cell(1 - _LABEL_SHARE, value, code)], BODY_PT, bold_first=True)
        self.ln(2)

    def ruled(
        self, shares: Sequence[float], heads: Sequence[str], rows: Sequence[Sequence[str]], *, codes: Sequence[int]
    ) -> None:
        def cells(texts: Sequence[str], *, plain: bool = False) -> list[Cell]:
            return [
                Cell(share, text, not plain and place in codes)
                for place, (share, text) in enumerate(zip(shares, texts, strict=True))
            ]

        self._row(cells(heads, plain=True), TABLE_PT, shaded=True)
        for texts in rows:
            row = cells(texts)
            if self.will_page_break(self._height(row, TABLE_PT, 0)):
                self.add_page()
                self._row(cells(heads, plain=True), TABLE_PT, shaded=True)
            self._row(row, TABLE_PT, ruled=True)
        self.ln(2)

    def _row(
        self,
        cells: Sequence[Cell],
        size_pt: float,
        *,
        shaded: bool = False,
        ruled: bool = False,
        bold_first: bool = False,
    ) -> None:
        """One row, mirrored where the language is; a cell takes as many lines as it needs."""
        bold = len(cells) if shaded else int(bold_first)
        height = self._height(cells, size_pt, bold)
        if self.will_page_break(height):
            self.add_page()
        top, offset = self.get_y(), 0.0
        if shaded:
            self.set_fill_color(_SHADE)
            self.rect(self.l_margin, top, self.epw, height, style="F")
        for place, cell in enumerate(cells):
            width = cell.share * self.epw
            x = self.w - self.r_margin - offset - width if self.mirrored else self.l_margin + offset
            self.set_xy(x, top)
            self._style(cell, size_pt, bold=place < bold)
            self.multi_cell(
                width,
                _line_mm(size_pt),
                cell.text,
                align=self.start,
                new_x=XPos.RIGHT,
                new_y=YPos.TOP,
                wrapmode=WrapMode.CHAR if cell.code else WrapMode.WORD,
            )
            offset += width
        self.set_xy(self.l_margin, top + height)
        if ruled:
            self.set_draw_color(RULE)
            self.line(self.l_margin, top + height, self.w - self.r_margin, top + height)
        self.direct(self.mirrored)

    def _height(self, cells: Sequence[Cell], size_pt: float, bold: int) -> float:
        """Of a row whose first cells are bold, in millimetres."""
        heights = [self._height_of(cell, size_pt, bold=place < bold) for place, cell in enumerate(cells)]
        return max(heights) + _BELOW_MM

    def _height_of(self, cell: Cell, size_pt: float, *, bold: bool) -> float:
        """Of a cell; remembered for labels, which come again with every report."""
        known = self._heights.get((cell, size_pt, bold))
        if known is not None:
            return known
        self._style(cell, size_pt, bold=bold)
        width, line_mm = cell.share * self.epw, _line_mm(size_pt)
        if "\n" not in cell.text and self.get_string_width(cell.text) <= width - 2 * self.c_margin:
            height = line_mm
        else:
            wrap = WrapMode.CHAR if cell.code else WrapMode.WORD
            measured = self.multi_cell(
                width, line_mm, cell.text, dry_run=True, output=MethodReturnValue.HEIGHT, wrapmode=wrap
            )
            height = cast(float, measured)
        if not cell.code:
            self._heights[cell, size_pt, bold] = height
        return height

    def _style(self, cell: Cell, size_pt: float, *, bold: bool) -> None:
        self.set_font(FONT, "B" if bold else "", size_pt)
        self.direct(self.mirrored and not cell.code, cell.text)

    def paragraph(
        self, text: str, size_pt: float, *, bold: bool = False, grey: bool = False, height_mm: float = LINE_MM
    ) -> None:
        """A paragraph in the file's language."""
        self.set_font(FONT, "B" if bold else "", size_pt)
        self.set_text_color(GREY if grey else 0)
        self.direct(self.mirrored)
        self.multi_cell(0, height_mm, text, align=self.start, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(0)

    def code_line(self, text: str, size_pt: float) -> None:
        """What is no language: from left to right, broken anywhere."""
        self.set_font(FONT, "", size_pt)
        self.direct(turned=False)
        self.multi_cell(
            0, SMALL_MM, text, align=self.start, new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=WrapMode.CHAR
        )
        self.direct(self.mirrored)

    def quoted(self, text: str) -> None:
        """A reporter's words, each paragraph in its own direction."""
        self.set_font(FONT, "", BODY_PT)
        for paragraph in self.shown(text).split("\n"):
            turned = _from_right(paragraph)
            self.direct(turned, paragraph)
            self.multi_cell(
                0,
                LINE_MM,
                paragraph,
                align=Align.R if turned else Align.L,
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
            )
        self.direct(self.mirrored)

    def shown(self, text: str) -> str:
        """A text with what no page can show, or what would hide something, as its code point."""
        plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
        return "".join(
            letter if letter in self._drawn or letter in _UNSEEN else f"[U+{ord(letter):04X}]" for letter in plain
        )


def _line_mm(size_pt: float) -> float:
    return SMALL_MM if size_pt < BODY_PT else LINE_MM


def _from_right(paragraph: str) -> bool:
    """Whether the first letter with a direction runs from right to left (UAX 9, rule P2)."""
    strong = (kind for kind in map(unicodedata.bidirectional, paragraph) if kind in _STRONG)
    return next(strong, "L") != "L"
