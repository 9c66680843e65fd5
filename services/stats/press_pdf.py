"""A communiqué as PDF, Arabic from right to left with its letters joined.

In: a `Sheet`. Out: bytes, the same for the same sheet: nothing in them says when they were made. The font is Amiri,
which has Arabic and Latin letters; HarfBuzz joins them. Tables are mirrored for Arabic: names stand on the right.
"""

from typing import Final, cast

from fpdf.enums import Align, MethodReturnValue, WrapMode, XPos, YPos

from ibalagh.pdf import FONT, Paper
from services.stats.sheet import Line, Section, Sheet
from services.stats.wording import say

_MARGIN_MM: Final = 18
_LABEL_MM: Final = 92
_TITLE_PT, _HEAD_PT, _BODY_PT, _SMALL_PT = 18, 12, 10, 7.5
_LINE_MM: Final = 6.2
_SMALL_MM: Final = 4.2
_INDENT_MM: Final = 4
_GREY: Final = 110


def pdf(sheet: Sheet) -> bytes:
    """The whole file."""
    page = _Page(sheet)
    page.write()
    return page.finish()


class _Page(Paper):
    def __init__(self, sheet: Sheet) -> None:
        title = f"{sheet.title}: {sheet.period}"
        super().__init__(sheet.language, title, margin_mm=_MARGIN_MM, bottom_mm=_MARGIN_MM)
        self._sheet = sheet
        self.add_page()
        self._number_mm = (self.epw - _LABEL_MM) / len(sheet.columns)

    def write(self) -> None:  # type: ignore[override] # what a page of ours writes is its sheet
        """Everything, in order."""
        sheet = self._sheet
        self.set_font(FONT, "B", _TITLE_PT)
        self._paragraph(sheet.title, 10)
        self.set_font(FONT, "", _HEAD_PT)
        self._paragraph(sheet.period, 8)
        for section in sheet.sections:
            self._section(section)
        self.set_font(FONT, "", _SMALL_PT + 1)
        self.ln(3)
        for note in sheet.notes:
            self._paragraph(note, _SMALL_MM + 0.6)
        self.set_font(FONT, "", _SMALL_PT)
        self.set_text_color(_GREY)
        proof = {"log": ", ".join(sheet.log), "key": sheet.key_id, "signature": sheet.signature}
        for name, value in proof.items():
            if value:
                self._paragraph(f"{say(name, sheet.language)}:", _SMALL_MM)
                self._code(value)

    def _section(self, section: Section) -> None:
        if self.will_page_break(_LINE_MM * min(len(section.lines) + 2, 8)):
            self.add_page()
        self.ln(3)
        self.set_font(FONT, "B", _HEAD_PT)
        self._cells(section.title, self._sheet.columns, heads=True)
        self.set_draw_color(_GREY)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        for line in section.lines:
            self._row(line)

    def _row(self, line: Line) -> None:
        self.set_font(FONT, "B" if line.depth == 0 else "", _BODY_PT)
        numbers = (line.count, line.share, line.before, line.change)[: len(self._sheet.columns)]
        label = f"{line.label} ({line.words})" if line.words else line.label
        self._cells(label, numbers, line.depth * _INDENT_MM)

    def _cells(self, label: str, numbers: tuple[str, ...], indent_mm: float = 0, *, heads: bool = False) -> None:
        """One row: the label, in as many lines as it needs, and the numbers beside its last one."""
        width = _LABEL_MM - indent_mm
        height = cast(float, self.multi_cell(width, _LINE_MM, label, dry_run=True, output=MethodReturnValue.HEIGHT))
        if self.will_page_break(height):
            self.add_page()
        top, left = self.get_y(), self.l_margin
        label_x = self.w - self.r_margin - _LABEL_MM if self.mirrored else left + indent_mm
        self.set_xy(label_x, top)
        self.multi_cell(width, _LINE_MM, label, align=self.start, new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.direct(self.mirrored and heads)
        for place, text in enumerate(numbers):
            offset = _LABEL_MM + place * self._number_mm
            x = self.w - self.r_margin - offset - self._number_mm if self.mirrored else left + offset
            self.set_xy(x, top + height - _LINE_MM)
            self.cell(self._number_mm, _LINE_MM, text, align=Align.R)
        self.direct(self.mirrored)
        self.set_xy(left, top + height)

    def _paragraph(self, text: str, height_mm: float) -> None:
        self.multi_cell(0, height_mm, text, align=self.start, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _code(self, text: str) -> None:
        """What is no language: from left to right, broken anywhere."""
        self.direct(turned=False)
        self.multi_cell(0, _SMALL_MM, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=WrapMode.CHAR)
        self.direct(self.mirrored)
