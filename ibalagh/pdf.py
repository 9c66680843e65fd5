"""Paper in a language that may run from right to left: what documents as PDF share.

In: a language and a title. Out: a PDF to be drawn on, and its bytes, the same for the same drawing: nothing in them
says when they were made. The font is Amiri, which has Arabic and Latin letters; HarfBuzz joins them.
"""

import logging
import re
from datetime import UTC, datetime
from typing import Final

import fontpkg_amiri  # type: ignore[import-untyped]
from fpdf import FPDF
from fpdf.enums import Align, TextDirection
from fpdf.fonts import TTFFont

from ibalagh.web.pages import RIGHT_TO_LEFT

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every table of a font that it makes smaller
FONT: Final = "Amiri"
MADE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands where a PDF says when it was made; the times that matter are in its text."""
_FILES: Final = fontpkg_amiri.ROOT / "files"
_is_plain: Final = re.compile("[0-9A-Za-z :/_-]*").fullmatch
"""Letters that look the same unshaped; the font's own full stop and brackets are made for Arabic."""


class Paper(FPDF):
    """Pages of A4 with a margin on all sides. `mirrored` in a language from right to left, `start` is where its lines
    begin. Texts run as the language does until `direct` is told otherwise."""

    def __init__(self, language: str, title: str, *, margin_mm: float, bottom_mm: float) -> None:
        super().__init__(format="A4")
        self.mirrored = language in RIGHT_TO_LEFT
        self.start = Align.R if self.mirrored else Align.L
        self.set_creation_date(MADE)
        self.set_title(title)
        self.set_lang(language)
        self.set_margin(margin_mm)
        self.set_auto_page_break(auto=True, margin=bottom_mm)
        self.add_font(FONT, "", _FILES / "Amiri-Regular.ttf")
        self.add_font(FONT, "B", _FILES / "Amiri-Bold.ttf")
        self.direct(self.mirrored)

    def direct(self, turned: bool, text: str | None = None) -> None:
        """How the next texts run: from right to left, or not. A plain `text` needs no shaping, which costs some ten
        times as much as all else."""
        self.turned = turned
        if text is not None and not turned and _is_plain(text) is not None:
            self.set_text_shaping(use_shaping_engine=False)
            return
        direction = TextDirection.RTL if turned else TextDirection.LTR
        self.set_text_shaping(use_shaping_engine=True, direction=direction)

    def finish(self) -> bytes:
        """The whole file. Nothing can be drawn after it."""
        try:
            return bytes(self.output())
        finally:
            for font in self.fonts.values():
                if isinstance(font, TTFFont):
                    font.ttfont.close()  # which reads on from its file while pages are drawn
