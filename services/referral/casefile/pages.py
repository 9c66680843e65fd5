"""A case file's pages as PDF, Arabic from right to left with its letters joined.

In: a manifest (`manifest`) and the bytes that are attached as `case-file.json`. Out: a PDF, the same bytes for the same
manifest.
"""

from typing import Any, Final

from fpdf.enums import Align, XPos, YPos

from ibalagh.pdf import FONT, MADE
from services.referral.casefile.drawing import (
    BODY_PT,
    GREY,
    HEAD_PT,
    LINE_MM,
    MARGIN_MM,
    RULE,
    SMALL_MM,
    SMALL_PT,
    TITLE_PT,
    Sheets,
)
from services.referral.casefile.words import WORDS, details, event

MANIFEST_NAME: Final = "case-file.json"
_BOX_MM: Final = 42


def pdf(document: dict[str, Any], attached: bytes) -> bytes:
    """The whole file, without its seal."""
    pages = _Pages(document)
    pages.write_all()
    pages.embed_file(
        bytes=attached,
        basename=MANIFEST_NAME,
        mime_type="application/json",
        modification_date=MADE,
        associated_file_relationship="Data",
        compress=True,
    )
    return pages.finish()


class _Pages(Sheets):
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._case: dict[str, Any] = document["case"]
        self._language: str = document["language"]
        self._say = WORDS[self._language]
        self._section_number = 0
        super().__init__(self._language, f"{self._say['case_file']} {self._case['number']}")

    def footer(self) -> None:
        """Which case and version a page belongs to, and its place among all pages."""
        turned = self.turned
        self.set_y(-MARGIN_MM)
        self.set_font(FONT, "", SMALL_PT)
        self.set_text_color(GREY)
        case = f"{self._say['case_number']} {self._case['number']} · {self._say['version']} {self._case['version']}"
        place = f"{self.page_no()} / {{nb}}"
        for text, turned_here, align in (
            ((place, False, Align.L), (case, True, Align.R))
            if self.mirrored
            else ((case, False, Align.L), (place, False, Align.R))
        ):
            self.direct(turned_here)
            self.cell(self.epw / 2, SMALL_MM, text, align=align)
        self.set_text_color(0)
        self.direct(turned)

    def write_all(self) -> None:
        """Everything, in order."""
        self._cover()
        self._competence()
        self._reports()
        self._evidence()
        self._suspects()
        self._timeline()
        self._custody()
        self._signatures()

    def _cover(self) -> None:
        say, case = self._say, self._case
        self.add_page()
        self.ln(14)
        self.paragraph(say["platform"], BODY_PT, grey=True)
        self.paragraph(f"{say['case_file']} {case['number']}", TITLE_PT, bold=True, height_mm=13)
        self.paragraph(say[case["category"]], HEAD_PT, height_mm=9)
        self.ln(4)
        state = say[case["state"]] + (f" · {say[case['result']]}" if case["result"] else "")
        self.facts(
            (say["case_number"], str(case["number"]), True),
            (say["identifier"], case["case_id"], True),
            (say["version"], str(case["version"]), True),
            (say["state"], state, False),
            (say["urgency"], say[f"urgency_{case['urgency']}"], False),
            (say["service"], case["service"], True),
            (say["prosecutor"], case["prosecutor"], True),
            (say["place"], case["province"] or say["unknown"], case["province"] is not None),
            (say["received_on"], case["received_on"], True),
            (say["opened_at"], _time(case["opened_at"]), True),
            (say["reports"], str(case["report_count"]), True),
            (say["evidence"], str(len(self._document["evidence"])), True),
        )
        self.ln(6)
        self.paragraph(say["confidential"], BODY_PT, bold=True)
        self.paragraph(say["presumption"], BODY_PT)
        self.ln(4)
        self.paragraph(say["sealed"], SMALL_PT, height_mm=SMALL_MM)
        self.code_line("ibalagh case verify FILE --keys KEYS", SMALL_PT)
        self.paragraph(f"{say['key']}:", SMALL_PT, height_mm=SMALL_MM)
        self.code_line(self._document["key_id"], SMALL_PT)
        self.add_page()

    def _competence(self) -> None:
        say, by = self._say, self._document["competence"]
        self._head(say["competence"])
        unknown = say["unknown"]
        self.facts(
            (say["table"], by["table"], True),
            (say["valid_from"], by["valid_from"] or unknown, by["valid_from"] is not None),
            (say["rule"], by["rule"], True),
            (say["service"], self._case["service"], True),
            (say["prosecutor"], self._case["prosecutor"], True),
            (say["court"], by["court"] or unknown, by["court"] is not None),
            (say["appeal"], by["appeal"] or unknown, by["appeal"] is not None),
        )
        if not by["confirmed"]:
            self.paragraph(say["unconfirmed"], SMALL_PT, grey=True, height_mm=SMALL_MM)

    def _reports(self) -> None:
        say = self._say
        self._head(say["reports"])
        for number, report in enumerate(self._document["reports"], start=1):
            self.keep_together(6)
            self.paragraph(f"{number}. {say[report['category']]}", BODY_PT, bold=True)
            log = report["log"]
            facts = [
                (say["identifier"], report["report_id"], True),
                (say["received_on_day"], report["received_on"], True),
            ]
            if log is not None:
                facts += [
                    (say["received_at"], _time(log["received_at"]), True),
                    (say["log_position"], f"{log['topic']} / {log['partition']} / {log['offset']}", True),
                    (say["record_sha256"], log["record_sha256"], True),
                ]
                facts += [
                    (say[words], self.shown(log[name]), False)
                    for words, name in (("platform_stated", "platform"), ("stated_place", "place"))
                    if log[name]
                ]
                if log["seen_at"]:
                    facts.append((say["seen_at"], _time(log["seen_at"]), True))
                facts += [(say["links"], self.shown(link), True) for link in log["links"]]
            self.facts(*facts)
            if log is None:
                self.paragraph(say["text_gone"], BODY_PT, grey=True)
            else:
                self.paragraph(f"{say['text']}:", SMALL_PT, grey=True, height_mm=SMALL_MM)
                self.quoted(log["text"])
            self.ln(4)
        if self._document["reports_not_listed"]:
            self.paragraph(f"{say['not_listed']} {self._document['reports_not_listed']}", BODY_PT)

    def _evidence(self) -> None:
        say, evidence = self._say, self._document["evidence"]
        self._head(say["evidence"])
        if not evidence:
            self.paragraph(say["no_evidence_files"], BODY_PT)
            return
        numbers = {each["report_id"]: place for place, each in enumerate(self._document["reports"], start=1)}
        shares = (0.1, 0.17, 0.15, 0.58)
        heads = (say["file"], say["media_type"], say["size"], "SHA-256")
        rows = [
            (
                f"{numbers[each['report_id']]}.{each['number']}",
                each["media_type"],
                str(each["size_bytes"]),
                each["sha256"],
            )
            for each in evidence
        ]
        self.ruled(shares, heads, rows, codes=(0, 1, 2, 3))
        self.paragraph(say["evidence_note"], SMALL_PT, grey=True, height_mm=SMALL_MM)

    def _suspects(self) -> None:
        say, suspects = self._say, self._document["suspects"]
        self._head(say["suspects"])
        if not suspects:
            self.paragraph(say["no_suspects"], BODY_PT)
            return
        rows = [(self.shown(each["suspect_ref"]), say[each["state"]]) for each in suspects]
        self.ruled((0.5, 0.5), (say["reference"], say["state"]), rows, codes=(0,))

    def _timeline(self) -> None:
        say = self._say
        self._head(say["timeline"])
        rows = [
            (
                str(each["version"]),
                _time(each["occurred_at"], zone=""),
                event(each["type"], self._language),
                self.shown(each["actor"] or ""),
                self.shown(details(each["detail"], self._language)),
            )
            for each in self._document["timeline"]
        ]
        heads = (say["version"], f"{say['when']} (UTC)", say["event"], say["who"], say["details"])
        self.ruled((0.1, 0.2, 0.2, 0.14, 0.36), heads, rows, codes=(0, 1, 3))

    def _custody(self) -> None:
        say, custody = self._say, self._document["custody"]
        self._head(say["custody"])
        self.paragraph(say["custody_until"], BODY_PT)
        self.code_line(_time(self._document["custody_until"]), BODY_PT)
        if not custody:
            self.paragraph(say["no_custody"], BODY_PT)
            return
        rows = [
            (
                str(each["number"]),
                _time(each["at"], zone=""),
                self.shown(each["person"]),
                say.get(each["action"], each["action"]),
                f"{each['permission']} {each['hash'][:16]}",
            )
            for each in custody
        ]
        heads = (say["row"], f"{say['when']} (UTC)", say["who"], say["action"], say["details"])
        self.ruled((0.1, 0.2, 0.2, 0.22, 0.28), heads, rows, codes=(0, 1, 2, 4))

    def _signatures(self) -> None:
        say = self._say
        self._head(say["signatures"], needs_mm=_BOX_MM + 2 * LINE_MM)
        top, width = self.get_y() + 2, self.epw / 3
        signing = ((say["officer"], self._case["service"]), (say["prosecutor_signs"], self._case["prosecutor"]))
        court = self._document["competence"]["court"] or ""
        for place, (who, code) in enumerate((*signing, (say["registrar"], court))):
            column = 2 - place if self.mirrored else place
            left = self.l_margin + column * width
            self.set_draw_color(RULE)
            self.rect(left + 1, top, width - 2, _BOX_MM)
            for offset, text, coded in ((1, who, False), (1 + LINE_MM, code, True)):
                self.set_xy(left + 2, top + offset)
                self.direct(self.mirrored and not coded)
                self.set_font(FONT, "" if coded else "B", SMALL_PT + 1)
                self.multi_cell(width - 4, SMALL_MM, text, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_xy(left + 2, top + _BOX_MM - LINE_MM)
            self.direct(self.mirrored)
            self.set_font(FONT, "", SMALL_PT)
            self.set_text_color(GREY)
            self.cell(width - 4, SMALL_MM, say["name_date_seal"], align=Align.C)
            self.set_text_color(0)

    def _head(self, title: str, needs_mm: float = 4 * LINE_MM) -> None:
        self._section_number += 1
        self.ln(4)
        if self.will_page_break(needs_mm + 10):
            self.add_page()
        self.paragraph(f"{self._section_number}. {title}", HEAD_PT, bold=True, height_mm=8)
        self.set_draw_color(RULE)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(2)


def _time(moment: str, zone: str = " UTC") -> str:
    """A manifest's time as people read it."""
    return f"{moment[:10]} {moment[11:19]}{zone}"
