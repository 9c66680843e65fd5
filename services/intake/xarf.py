"""XARF v4: from a report of the format to a submission. Pure: tables and a small model of the fields that map.

XARF (xarf.org, schemas/v4) is for abuse of networks as well as for content; only types of content that the platform
takes in are read, the others are refused by name. Fields that do not map are left alone, so a sender may send any of
4.x; what of them matters to an investigator (`_TOLD`) becomes lines of the text. Evidence is not taken in here: its
kinds and hashes are told, its payload is named as left out.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ibalagh.events.vocabulary import Category
from services.intake.mapped import Reading, fingerprint, of_form, read_as, refused, submission
from services.intake.submission import CLOCK_TOLERANCE, RULES, Broken, InvalidSubmissionError, Link, OneLine, Time

CATEGORY_OF: Final[Mapping[tuple[str, str], Category | None]] = {
    ("content", "phishing"): Category.FRAUD,
    ("content", "fraud"): Category.FRAUD,
    ("content", "csam"): Category.SEXUAL_EXPLOITATION_MINORS,
    ("content", "csem"): Category.SEXUAL_EXPLOITATION_MINORS,
    ("messaging", "spam"): None,
}
"""The types that are read, by XARF's category and type, with the hint that each gives; None gives none."""

OTHER_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "connection": frozenset(
        {
            *("ddos", "infected_host", "login_attack", "port_scan", "reconnaissance", "scraping"),
            *("sql_injection", "vulnerability_scan"),
        }
    ),
    "content": frozenset(
        {"brand_infringement", "exposed_data", "malware", "remote_compromise", "suspicious_registration"}
    ),
    "copyright": frozenset({"copyright", "cyberlocker", "link_site", "p2p", "ugc_platform", "usenet"}),
    "infrastructure": frozenset({"botnet", "compromised_server"}),
    "messaging": frozenset({"bulk_messaging"}),
    "reputation": frozenset({"blocklist", "threat_intelligence"}),
    "vulnerability": frozenset({"cve", "misconfiguration", "open_service"}),
}
"""XARF's other types: abuse of networks and rights, which other bodies answer for."""

_TOLD: Final = (
    *("fraud_type", "lure_type", "claimed_entity", "target_brand", "loss_amount", "payment_methods"),
    *("cryptocurrency_addresses", "exploitation_type", "victim_age_range", "classification", "media_type"),
    *("hash_values", "detection_method", "protocol", "smtp_from", "sender_name", "subject", "evidence_source"),
    *("confidence", "tags", "country_code", "hosting_provider", "ncmec_report_id"),
)
"""Fields that become a line of the text each, in this order."""
_MOST_TOLD: Final = 600
_VERSION: Final = re.compile(r"4\.\d{1,4}\.\d{1,4}", re.ASCII)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)?", re.ASCII)

_Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Uuid = Annotated[str, of_form(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "bad_id")]
_Hash = Annotated[str, of_form(r"(md5|sha1|sha256|sha512):[a-fA-F0-9]{1,128}", "bad_hash")]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Type(_Read):
    """What says how the rest is to be read."""

    xarf_version: _Word
    category: _Word
    type: _Word


class _Contact(_Read):
    org: OneLine
    contact: OneLine
    domain: OneLine


class _Evidence(_Read):
    content_type: OneLine
    description: Annotated[str, StringConstraints(max_length=500)] | None = None
    hash: _Hash | None = None


class _Report(_Read):
    """The fields of XARF's core, and those of the types that map."""

    report_id: _Uuid
    timestamp: Time
    reporter: _Contact
    sender: _Contact
    source_identifier: OneLine
    description: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    url: Link | None = None
    submission_url: Link | None = None
    redirect_chain: Annotated[tuple[Link, ...], Field(max_length=100)] = ()
    platform: OneLine | None = None
    language: _Word | None = None
    evidence: Annotated[tuple[_Evidence, ...], Field(max_length=50)] = ()


def read_report(value: object, now: datetime) -> Reading:
    """The submission that a XARF report, parsed JSON of bounded depth, makes at `now`.

    Raises `InvalidSubmissionError`: `unsupported_version`, `unknown_type`, `unsupported_type`, or a field's rule.
    """
    kind = read_as(_Type, value)
    if not _VERSION.fullmatch(kind.xarf_version):
        raise refused("unsupported_version", "xarf_version")
    if (kind.category, kind.type) not in CATEGORY_OF:
        known = kind.type in OTHER_TYPES.get(kind.category, ())
        raise refused("unsupported_type" if known else "unknown_type", "type")
    report = read_as(_Report, value)
    if kind.category == "content" and report.url is None:
        raise refused("needs_url", "url")
    if report.timestamp > now + CLOCK_TOLERANCE:
        raise InvalidSubmissionError(Broken("timestamp", "not_in_future", RULES["not_in_future"]))
    fields = value if isinstance(value, dict) else {}
    links = [each for each in (report.url, report.submission_url, *report.redirect_chain) if each is not None]
    made, left_out = submission(
        _text(kind, report, fields),
        links,
        now=now,
        category_hint=CATEGORY_OF[kind.category, kind.type],
        platform=report.platform,
        language=report.language if report.language and _LANGUAGE.fullmatch(report.language) else None,
        seen_at=report.timestamp,
        identity={"name": report.reporter.org, "email": report.reporter.contact},
    )
    if report.evidence:
        left_out.append("evidence")
    return Reading(made, b"xarf:" + report.report_id.lower().encode(), fingerprint(value), left_out)


def _text(kind: _Type, report: _Report, fields: Mapping[str, Any]) -> Iterator[str]:
    if report.description and report.description.strip():
        yield report.description
    yield f"XARF {kind.category}/{kind.type}, source {report.source_identifier}"
    for name in _TOLD:
        told = _told(fields.get(name))
        if told:
            yield f"{name}: {told}"
    for number, evidence in enumerate(report.evidence, start=1):
        parts = (evidence.content_type, evidence.hash, evidence.description)
        yield f"evidence {number}: {', '.join(part for part in parts if part)}"


def _told(value: object) -> str:
    """A value in one short line; of what is nested, the innermost words in their order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return ", ".join(filter(None, (_told(each) for each in value[:20])))[:_MOST_TOLD]
    if value is None or isinstance(value, bool):
        return ""
    return " ".join(str(value)[:_MOST_TOLD].split())
