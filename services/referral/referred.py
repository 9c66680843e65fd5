"""What a referred report brings to a case: read from its JSON at a look, or taken from a full model.

In: the value of a `report.triaged`, or the model of an event. Out: a `ReferredReport`, or None for a value that is not
written as triage's codec writes it, letter for letter: whoever asks then parses it by its model, with the same result.
The pattern is as strict as the model, and what it takes out of plain JSON is passed on as it stands. Pure.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from pydantic_core import to_json

from ibalagh.events.envelope import UUID_FORM
from ibalagh.events.reports import TRIAGED_TAIL, ReportReviewedV1, ReportTriagedV1
from ibalagh.events.vocabulary import Category, Channel, IndicatorKind, Urgency, Variety
from services.referral.linking import hashed, key_of


class ReferredReport(NamedTuple):
    """A report that was referred. `facts` and each of `indicators` are canonical JSON; `keys` are the indicators'.

    `minor`: somebody under 18 seems to be involved; `amounts`: sums that the text names, as (value, currency).
    """

    report_id: str
    version: int
    category: Category
    urgency: Urgency
    province: str | None
    organisation: str | None
    received_on: date
    facts: bytes
    indicators: tuple[bytes, ...]
    keys: tuple[str, ...]
    minor: bool = False
    amounts: tuple[tuple[float, str], ...] = ()


_CHARACTER: Final = r"[ !#-\[\]-~]"
"""Printable ASCII that JSON does not escape: there a character is a byte, and a byte means itself."""
_SHORT: Final = f'"{_CHARACTER}{{0,200}}"'
_INDICATOR: Final = rf'\{{"kind":"(?:{"|".join(IndicatorKind)})","value":"{_CHARACTER}{{1,2048}}"\}}'
_PATTERN: Final = (
    rf'\{{"report_id":"(?P<report_id>{UUID_FORM})","version":(?P<version>[1-9][0-9]{{0,8}}),'
    r'"facts":(?P<facts>\{"received_on":"(?P<received_on>[0-9]{4}-[0-9]{2}-[0-9]{2})","identified":(?:true|false),'
    rf'"country":"[A-Z]{{2}}","channel":"(?:{"|".join(Channel)})"\}}),"variety":"(?:{"|".join(Variety)})",'
    rf'"decision":\{{"disposition":"refer","category":"(?P<category>{"|".join(Category)})","urgency":(?P<urgency>[0-3]),'
    rf'"confidence":(?:0\.[0-9]{{1,17}}|1\.0),"runner_up":(?:null|{_SHORT}),"reasons":\[(?:{_SHORT}(?:,{_SHORT})*)?\],'
    rf'"organisation":(?P<organisation>null|{_SHORT}),"province":(?P<province>null|{_SHORT}),"policy":{_SHORT}\}},'
    rf'"indicators":\[(?P<indicators>(?:{_INDICATOR}(?:,{_INDICATOR})*)?)\](?P<tail>{TRIAGED_TAIL})\}}'
)
_referred: Final = re.compile(_PATTERN.encode()).fullmatch
_indicators: Final = re.compile(rb'(\{"kind":"([a-z]+)","value":"([^"]+)"\})').findall

_NO_AMOUNTS: Final[tuple[tuple[float, str], ...]] = ()
_MINOR: Final = b',"minor_involved":true'
_amounts: Final = re.compile(rb'\{"value":([0-9.]+),"currency":"([A-Z]+)"\}').findall

_CATEGORIES: Final = {category.encode(): category for category in Category}
_URGENCIES: Final = {b"%d" % urgency: urgency for urgency in Urgency}


def quick_look(value: bytes) -> ReferredReport | None:
    """The report of a `report.triaged` that is referred and plainly written, at a third of its model's cost."""
    found = _referred(value)
    if found is None:
        return None
    report_id, version, facts, received_on, category, urgency, organisation, province, indicators, tail = found.groups()
    try:
        day = _day(received_on)
    except ValueError:
        return None
    forms: tuple[bytes, ...] = ()
    keys: tuple[str, ...] = ()
    if indicators:
        parts = _indicators(indicators)
        forms = tuple([form for form, _, _ in parts])
        keys = tuple([hashed(kind + b":" + canonical) for _, kind, canonical in parts])
    minor, amounts = False, _NO_AMOUNTS
    if tail:
        minor = _MINOR in tail  # a text within the tail has no quotes
        amounts = tuple([(float(value), currency.decode()) for value, currency in _amounts(tail)])
    fields = (
        report_id.decode(),
        int(version),
        _CATEGORIES[category],
        _URGENCIES[urgency],
        _text(province),
        _text(organisation),
        day,
        facts,
        forms,
        keys,
        minor,
        amounts,
    )
    return tuple.__new__(ReferredReport, fields)  # half the cost of calling the class


def referred_of(report: ReportTriagedV1 | ReportReviewedV1) -> ReferredReport:
    """What the report of an event that was parsed whole brings to a case."""
    decision = report.decision
    return ReferredReport(
        report.report_id,
        report.version,
        decision.category,
        decision.urgency,
        decision.province,
        decision.organisation,
        report.facts.received_on,
        to_json(report.facts),
        tuple([to_json(each) for each in report.indicators]),
        tuple([key_of(each) for each in report.indicators]),
        report.minor_involved,
        tuple([(each.value, each.currency) for each in report.amounts]),
    )


@lru_cache(maxsize=4_096)
def _text(form: bytes) -> str | None:
    return None if form == b"null" else form[1:-1].decode()


@lru_cache(maxsize=64)
def _day(form: bytes) -> date:
    """Raises ValueError for a day that no calendar has."""
    return date.fromisoformat(form.decode())
