"""Values that our own codec wrote, recognised without parsing them: two thirds of what stats reads, at half the time.

In: the bytes of a value. Out: those of its bytes that decide what it does to the counters; or nothing, then it has to
be parsed. Each pattern takes a part of what is JSON (the fields of one type in the codec's order, no white space,
ASCII, no escapes, so that a quotation mark always ends its string), and that leaves nothing open: all values that it
takes with the same groups do the same. Possessive quantifiers keep it linear in the length, whatever the value.

Left out are types that come seldom, and `report.received`, of which most is text in any script.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from ibalagh.events.registry import PREFIX

_TEXT: Final = r'"[ !#-\[\]-~]*+"'
_TEXT_OR_NULL: Final = rf"(?:null|{_TEXT})"
_UUID: Final = r'"[0-9a-f-]{36}"'
_COUNT: Final = r"[1-9][0-9]{0,8}+"
_LEVEL: Final = r"[0-9]"
_SHARE: Final = r"[01]\.[0-9]{1,20}+"
_TIME: Final = r'"[0-9T:.-]{19,26}+Z"'
_HOUR: Final = r'"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6}+)?+Z"'
_FACTS: Final = (
    r'\{("received_on":"[0-9-]{10}","identified":(?:true|false),"country":"[A-Z]{2}"),"channel":' + _TEXT + r"\}"
)


def _list(item: str) -> str:
    return rf"\[(?:{item}(?:,{item})*+)?+\]"


_INDICATORS: Final = _list(rf'\{{"kind":{_TEXT},"value":{_TEXT}\}}')
_IN_CASE: Final = (
    rf'"report_id":{_UUID},"facts":{_FACTS},("category":{_TEXT}),"urgency":{_LEVEL},'
    rf'"province":{_TEXT_OR_NULL},("organisation":{_TEXT_OR_NULL})'
)
_CASE: Final = rf'"case_id":{_UUID},"version":{_COUNT}'
_AT_SERVICE: Final = rf'("category":{_TEXT}),"service":{_TEXT},"province":{_TEXT_OR_NULL}'

REPORT_ID: Final = slice(14, 50)
"""Where the id of a report stands in a `report.triaged` that its pattern takes."""

Take = Callable[[bytes], re.Match[bytes] | None]

PATTERNS: Final[Mapping[str, Take]] = {
    PREFIX + name: re.compile(rf"\{{{fields}\}}".encode()).fullmatch
    for name, fields in {
        "report.triaged.v1": (
            rf'"report_id":{_UUID},"version":{_COUNT},"facts":{_FACTS},"variety":{_TEXT},'
            rf'"decision":\{{("disposition":{_TEXT},"category":{_TEXT}),"urgency":{_LEVEL},"confidence":{_SHARE},'
            rf'"reasons":{_list(_TEXT)},("organisation":{_TEXT_OR_NULL}),"province":{_TEXT_OR_NULL},"policy":{_TEXT}\}},'
            rf'"indicators":{_INDICATORS}(?:,"text_key":{_UUID},"sketch":"[0-9a-f]{{64}}")?'
        ),
        "case.opened.v1": rf'{_CASE},"occurred_at":{_HOUR},{_IN_CASE},"indicators":{_INDICATORS}',
        "case.joined.v1": rf'{_CASE},"occurred_at":{_TIME},{_IN_CASE},"joined_by":{_INDICATORS}',
        "case.referred.v1": (
            rf'{_CASE},"occurred_at":{_HOUR},{_AT_SERVICE},"urgency":{_LEVEL},"prosecutor":{_TEXT},'
            rf'"competence_table":{_TEXT},"competence_rule":{_TEXT}'
        ),
        "prosecution.notified.v1": rf'{_CASE},"occurred_at":{_HOUR},{_AT_SERVICE},"prosecutor":{_TEXT}',
    }.items()
}
"""By type; what decides is in groups."""
