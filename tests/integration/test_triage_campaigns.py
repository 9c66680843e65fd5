"""Flood control on a real database: a campaign is one item of the queue, and none of its reports is lost."""

from collections.abc import Iterator

import pytest

from ibalagh.events.commands import DecideCampaignV1
from ibalagh.events.reports import ReportReviewedV1
from ibalagh.events.vocabulary import Category, ReviewAction
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from services.triage import store
from services.triage.campaigns import store as campaigns
from services.triage.campaigns.decisions import AT_ONCE, parts
from services.triage.filters import Filter
from services.triage.reviews import State
from tests.support.desk import FedDesk, triaged
from tests.support.triage import NOW, decision, report_id

COPY = "Bonjour, on m'a envoyé ce message étrange et je ne sais pas quoi en penser du tout"
SITE = "insultes et arnaque sur https://gain.example/promo"
"""Both go before a person."""


class DeskWithCampaigns(FedDesk):
    """The desk, and its queue."""

    def queue(self, state: State = State.OPEN) -> list[str]:
        return [each.item.report.report_id for each in self.shown(state)]

    def shown(self, state: State = State.OPEN) -> list[store.Shown]:
        return store.queue(self.database, Filter(state=state), limit=5_000, after=None, person="analyst-1", now=NOW)

    def campaign(self, name: str) -> campaigns.Campaign:
        return campaigns.shown(self.database, [report_id(name)])[report_id(name)]

    def decided(self) -> list[ReportReviewedV1]:
        return [each for each in self.said() if isinstance(each, ReportReviewedV1)]

    def decide(self, first: str, upto: int, number: int = 0, **fields: object) -> tuple[str, str | None]:
        given = {"action": "reclassify", "category": "fraud", "reviewer": "analyst-1", "decided_at": NOW, **fields}
        command = DecideCampaignV1.model_validate({"campaign_id": report_id(first), "upto": upto, **given})
        return self.rule(command, command.campaign_id, report_id(f"command {number}"))


@pytest.fixture
def desk(database_url: str) -> Iterator[DeskWithCampaigns]:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    yield DeskWithCampaigns(database)
    database.close()


def copies(text: str, names: range) -> list[tuple[str, str]]:
    """So many reports of one text, with names that their ids are in the order of."""
    in_order = sorted((report_id(str(name)), str(name)) for name in range(1_000))
    return [(in_order[each][1], text) for each in names]


def name(number: int) -> str:
    """The name of the report with this place in the order of ids."""
    return copies(COPY, range(number, number + 1))[0][0]


@pytest.mark.parametrize("text", [COPY, SITE], ids=["same text", "same indicator"])
def test_a_campaign_is_one_item_with_a_count_and_every_report_is_there(desk: DeskWithCampaigns, text: str) -> None:
    desk.take(*triaged(*copies(text, range(200))))
    desk.take(*triaged(*copies(text, range(200, 300))))
    assert desk.queue() == [report_id(name(0))]
    assert len(desk.queue(State.COPY)) == 299
    campaign = desk.campaign(name(150))
    assert (campaign.reports, campaign.waiting, campaign.head) == (300, 300, report_id(name(0)))
    members = campaigns.members(desk.database, campaign.campaign_id, after=0, limit=1_000)
    assert [each.number for each in members] == list(range(1, 301))
    assert {each.report_id for each in members} == {report_id(name(number)) for number in range(300)}
    assert len(store.reports(desk.database, limit=1_000, after=None)) == 300


def test_other_spellings_of_a_text_are_copies_and_short_or_other_texts_are_not(desk: DeskWithCampaigns) -> None:
    spelt = COPY.upper().replace("É", "E")
    desk.take(*triaged(("a", COPY), ("b", f"{spelt}!!!"), ("c", COPY + " mais autre chose"), ("d", "?"), ("e", "?")))
    assert len(desk.queue()) == 4
    assert len(desk.queue(State.COPY)) == 1


def test_what_goes_straight_on_is_in_no_campaign(desk: DeskWithCampaigns) -> None:
    sure = "escroquerie, j'ai payé et jamais reçu, https://gain.example/promo"
    desk.take(*triaged(("a", sure), ("b", sure)))
    assert len(desk.queue(State.STRAIGHT)) == 2
    assert campaigns.shown(desk.database, [report_id("a"), report_id("b")]) == {}


def test_a_decision_is_for_all_that_were_there_when_a_person_looked(desk: DeskWithCampaigns) -> None:
    desk.take(*triaged(*copies(COPY, range(50))))
    seen = desk.campaign(name(0)).reports
    desk.take(*triaged(*copies(COPY, range(50, 60))))
    assert desk.decide(name(0), seen, reason="same_campaign") == ("applied", None)
    decided = desk.decided()
    assert {each.report_id for each in decided} == {report_id(name(number)) for number in range(50)}
    assert {(each.version, each.decision.category, each.reviewer) for each in decided} == {
        (2, Category.FRAUD, "analyst-1")
    }
    assert len(desk.queue(State.DECIDED)) == 50
    assert desk.queue() == [report_id(name(50))]
    after = desk.campaign(name(50))
    assert (after.reports, after.waiting) == (60, 10)
    assert after.decided is not None
    assert (after.decided["category"], after.decided["reviewer"]) == ("fraud", "analyst-1")


def test_new_copies_after_the_decision_are_one_new_item_that_shows_it(desk: DeskWithCampaigns) -> None:
    desk.take(*triaged(*copies(COPY, range(5))))
    assert desk.decide(name(0), 5) == ("applied", None)
    assert desk.queue() == []
    desk.take(*triaged(*copies(COPY, range(5, 9))))
    assert desk.queue() == [report_id(name(5))]
    campaign = desk.campaign(name(8))
    assert (campaign.campaign_id, campaign.waiting) == (report_id(name(0)), 4)
    assert campaign.decided is not None
    assert campaign.decided["category"] == "fraud"


def test_a_copy_of_a_report_that_was_decided_alone_shows_how(desk: DeskWithCampaigns) -> None:
    desk.take(*triaged((name(0), COPY)))
    desk.take(decision(name(0), ReviewAction.DISMISS))
    desk.take(*triaged((name(1), COPY)))
    assert desk.queue() == [report_id(name(1))]
    campaign = desk.campaign(name(1))
    assert campaign.decided is not None
    assert (campaign.decided["category"], campaign.waiting) == ("out_of_scope", 1)


def test_a_decision_about_one_report_brings_the_next_to_the_front(desk: DeskWithCampaigns) -> None:
    desk.take(*triaged(*copies(COPY, range(3))))
    desk.take(decision(name(0), ReviewAction.DISMISS))
    assert desk.queue() == [report_id(name(1))]
    desk.take(decision(name(2), ReviewAction.DISMISS))
    assert desk.campaign(name(0)).waiting == 1
    desk.take(decision(name(1), ReviewAction.DISMISS), decision(name(1), ReviewAction.CONFIRM))
    assert desk.queue() == desk.queue(State.COPY) == []
    assert desk.campaign(name(0)).waiting == 0


def test_an_urgent_copy_brings_its_campaign_forward(desk: DeskWithCampaigns) -> None:
    desk.take(*triaged(("other", "?"), (name(0), SITE)))
    desk.take(*triaged((name(1), f"{SITE} je pense au suicide")))
    (first, *_) = desk.shown()
    assert (first.item.report.report_id, first.urgency) == (report_id(name(0)), 3)


def test_refusals_change_nothing_and_a_repeated_command_keeps_its_result(desk: DeskWithCampaigns) -> None:
    desk.take(*triaged(*copies(COPY, range(3))))
    assert desk.decide(name(0), 3, 1, category=None) == ("refused", "bad_decision")
    assert len(desk.queue(State.COPY)) == 2
    assert desk.decide(name(0), 3, 2) == ("applied", None)
    assert desk.decide(name(0), 3, 2) == ("applied", None)
    assert desk.decide(name(0), 3, 3) == ("refused", "nothing_waits")
    assert desk.decide("nowhere", 3, 4) == ("refused", "nothing_waits")
    assert len(desk.decided()) == 3


def test_a_report_that_is_delivered_again_counts_once(desk: DeskWithCampaigns) -> None:
    events = triaged(*copies(COPY, range(3)))
    desk.take(*events)
    desk.take(*events)
    assert desk.campaign(name(0)).reports == 3


def test_a_large_decision_goes_in_parts_that_leave_nobody_out() -> None:
    whole = DecideCampaignV1(
        campaign_id=report_id("a"), after=7, upto=2_500, action=ReviewAction.DISMISS, reviewer="x", decided_at=NOW
    )
    bounds = [(part.after, part.upto) for part in parts(whole)]
    assert bounds == [(7, 7 + AT_ONCE), (1_007, 2_007), (2_007, 2_500)]
