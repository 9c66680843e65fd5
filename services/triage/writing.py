"""The data of `report.triaged`, written as JSON at once: as its model would write it, letter for letter. Pure.

In: a report, what the machine makes of it. Out: JSON. What comes again and again (facts, a decision but for its place)
was written before; nothing is validated that was made by us a moment ago. Tests hold it to the model.
"""

from functools import lru_cache
from typing import Final

from pydantic_core import to_json

from ibalagh.events.envelope import Data
from ibalagh.events.reports import Indicator
from ibalagh.events.written import text_json, written
from services.triage.decide import Judged
from services.triage.entities.surroundings import NONE, Surroundings
from services.triage.reported import Reported

_TRIAGED: Final = (
    b'{"report_id":"%b","version":1,"facts":%b,"variety":"%b","decision":%b%b%b%b%b,"indicators":[%b]%b%b}'
)
_LIKENESS: Final = b',"text_key":"%b","sketch":"%b"'
_indicator: Final = Indicator.__pydantic_serializer__.to_json


def triaged(report: Reported, judged: Judged) -> Data:
    """What `report.triaged` says of a report."""
    variety, ruling, province, indicators, around, text_key, sketch = judged
    before, between, after = ruling.json
    return written(
        _TRIAGED
        % (
            report.report_id.encode(),
            report.facts,
            variety.encode(),
            before,
            b"%r" % ruling.confidence,
            between,
            text_json(province),
            after,
            b",".join(map(_indicator, indicators)) if indicators else b"",
            b"" if around is NONE else _tail(around),
            b"" if text_key is None or sketch is None else _LIKENESS % (text_key.encode(), sketch.encode()),
        )
    )


@lru_cache(maxsize=4_096)
def _tail(around: Surroundings) -> bytes:
    """The fields behind the indicators, each only where it says something, as the model writes them."""
    sums, _, messenger, minor, nexus = around
    fields = {
        "closed_messenger": messenger,
        "minor_involved": minor,
        "place": around.place_name,
        "nexus": nexus,
        "amounts": [{"value": value, "currency": currency} for value, currency in sums],
    }
    said = {name: value for name, value in fields.items() if value}
    return b"," + to_json(said)[1:-1] if said else b""
