"""The data of `report.triaged`, written as JSON at once: as its model would write it, letter for letter. Pure.

In: a report, what the machine makes of it. Out: JSON. What comes again and again (facts, a decision but for its place)
was written before; nothing is validated that was made by us a moment ago. Tests hold it to the model.
"""

from typing import Final

from ibalagh.events.envelope import Data
from ibalagh.events.reports import Indicator
from ibalagh.events.written import text_json, written
from services.triage.decide import Judged
from services.triage.reported import Reported

_TRIAGED: Final = b'{"report_id":"%b","version":1,"facts":%b,"variety":"%b","decision":%b%b%b,"indicators":[%b]%b}'
_LIKENESS: Final = b',"text_key":"%b","sketch":"%b"'
_indicator: Final = Indicator.__pydantic_serializer__.to_json


def triaged(report: Reported, judged: Judged) -> Data:
    """What `report.triaged` says of a report."""
    variety, ruling, province, indicators, text_key, sketch = judged
    _, before, after = ruling
    return written(
        _TRIAGED
        % (
            report.report_id.encode(),
            report.facts,
            variety.encode(),
            before,
            text_json(province),
            after,
            b",".join(map(_indicator, indicators)) if indicators else b"",
            b"" if text_key is None or sketch is None else _LIKENESS % (text_key.encode(), sketch.encode()),
        )
    )
