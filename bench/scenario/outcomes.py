"""Which cases end with a suspect: the officers' plan, drawn from the campaigns and single reports of a scenario."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from bench.scenario.figures import Figures
from bench.scenario.model import Fate, ScenarioReport, SuspectPlan

_SECOND_SUSPECT = 0.15
_EARLY_SHARE = 0.8  # an investigation takes its time, so the reports of the last fifth end in nothing yet


def plan_outcomes(rng: Random, figures: Figures, reports: Sequence[ScenarioReport]) -> list[SuspectPlan]:
    """One plan per suspect of `figures`, every case anchored by its first report; dates lie between the report and the
    quarter's end. `reports` are in the order of time."""
    suspects = figures.suspects
    fates = [Fate.PRESENTED] * suspects.presented + [Fate.SEARCHED] * suspects.searched
    fates += [Fate.UNDER_INVESTIGATION] * suspects.under_investigation
    rng.shuffle(fates)
    anchors = _anchors(rng, reports, len(fates))
    end = datetime.fromisoformat(f"{figures.last_day.isoformat()}T22:00:00+01:00")
    plans: list[SuspectPlan] = []
    for number, fate in enumerate(fates, start=1):
        again = bool(plans) and rng.random() < _SECOND_SUSPECT
        anchor = plans[-1].report if again or not anchors else anchors.pop()
        start = datetime.fromisoformat(reports[anchor].body["submitted_at"])
        identified = _between(rng, start, end)
        plans.append(SuspectPlan(anchor, f"S-{number:04d}", fate, identified, _between(rng, identified, end)))
    return plans


def _anchors(rng: Random, reports: Sequence[ScenarioReport], wanted: int) -> list[int]:
    """Places of reports of `wanted` different cases (fewer when there are not so many), campaigns first to be drawn."""
    first_of_campaign: dict[int, int] = {}
    singles: list[int] = []
    for place, report in enumerate(reports[: max(1, round(len(reports) * _EARLY_SHARE))]):
        if report.truth.campaign is None:
            singles.append(place)
        else:
            first_of_campaign.setdefault(report.truth.campaign, place)
    campaigns = list(first_of_campaign.values())
    from_campaigns = rng.sample(campaigns, min(len(campaigns), wanted // 2))
    anchors = from_campaigns + rng.sample(singles, min(len(singles), wanted - len(from_campaigns)))
    rng.shuffle(anchors)
    return anchors


def _between(rng: Random, start: datetime, end: datetime) -> datetime:
    if end <= start:
        return start
    return start + timedelta(seconds=round((end - start).total_seconds() * rng.uniform(0.1, 0.9)))
