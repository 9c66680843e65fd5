"""Links on a real database: what the desk keeps and says of them, and that a person's word stands."""

from collections.abc import Iterator

import pytest

from ibalagh.events.links import LinkedBy, LinkReportsV1, ReportLinkedV1, ReportUnlinkedV1, UnlinkReportsV1
from ibalagh.storage.migrate import apply
from ibalagh.storage.outbox import PostgresOutbox
from ibalagh.storage.postgres import Database
from services.triage.links import store
from services.triage.links.store import Links
from tests.support.desk import GROUP, FedDesk, amended, triaged
from tests.support.triage import NOW, report_id, supplemented

SITE = "arnaque sur https://gain.example/promo"


class DeskWithLinks(FedDesk):
    """The desk, and what it knows of links."""

    def ruled(self, data: LinkReportsV1 | UnlinkReportsV1, id_: str = report_id("command")) -> tuple[str, str | None]:
        return self.rule(data, data.report_id, id_)

    def links(self, name: str) -> Links:
        found = store.of_report(self.database, report_id(name), limit=100)
        assert found is not None
        return found

    def others(self, name: str) -> set[str]:
        return {other for group in self.links(name).groups for other in group.others}

    def said_of_links(self) -> list[ReportLinkedV1 | ReportUnlinkedV1]:
        return [each for each in self.said() if isinstance(each, ReportLinkedV1 | ReportUnlinkedV1)]


@pytest.fixture
def desk(database_url: str) -> Iterator[DeskWithLinks]:
    apply(database_url, "triage")
    database = Database(database_url, "triage")
    yield DeskWithLinks(database)
    database.close()


def link(one: str, other: str, **fields: object) -> LinkReportsV1:
    ids = {"report_id": report_id(one), "other_id": report_id(other)}
    return LinkReportsV1.model_validate({**ids, "actor": "analyst-1", "decided_at": NOW, **fields})


def unlink(one: str, other: str | None = None, **fields: object) -> UnlinkReportsV1:
    ids = {"report_id": report_id(one), "other_id": None if other is None else report_id(other)}
    return UnlinkReportsV1.model_validate({**ids, "actor": "analyst-1", "decided_at": NOW, **fields})


def test_reports_that_share_an_indicator_belong_together_and_others_do_not(desk: DeskWithLinks) -> None:
    desk.take(*triaged(("a", SITE), ("b", "insultes sur gain.example/promo/?utm_source=x"), ("c", "autre.example/x")))
    assert desk.others("a") == {report_id("b")}
    assert desk.others("b") == {report_id("a")}
    assert desk.others("c") == set()
    (group,) = desk.links("a").groups
    assert (group.reports, group.key.kind.value) == (2, "url")


def test_a_campaign_costs_one_event_a_batch_and_every_copy_is_there(desk: DeskWithLinks) -> None:
    first = triaged(*((f"copy {number}", SITE) for number in range(300)))
    second = triaged(*((f"more {number}", SITE) for number in range(200)))
    desk.take(*first)
    desk.take(*second)
    said = desk.said_of_links()
    assert [type(each) for each in said] == [ReportLinkedV1, ReportLinkedV1]
    groups = [group for each in said if isinstance(each, ReportLinkedV1) for group in each.groups]
    assert [len(group.joined) for group in groups] == [299, 200]
    oldest = {group.report_id for group in groups}
    everyone = {event.subject for event in (*first, *second)}
    assert oldest | {joined for group in groups for joined in group.joined} >= everyone
    assert desk.links("copy 1").groups[0].reports == 500


def test_a_report_that_is_delivered_again_joins_nothing_again(desk: DeskWithLinks) -> None:
    events = triaged(("a", SITE), ("b", SITE))
    desk.take(*events)
    desk.take(*events)
    assert len(desk.said_of_links()) == 1
    assert desk.links("a").groups[0].reports == 2


def test_what_a_reporter_adds_joins_the_report(desk: DeskWithLinks) -> None:
    desk.take(*triaged(("a", SITE), ("b", "insultes")))
    desk.take(amended(supplemented("c'est sur gain.example/promo", "b")))
    assert desk.others("b") == {report_id("a")}
    (said,) = desk.said_of_links()
    assert isinstance(said, ReportLinkedV1)
    assert said.groups[0].joined == (report_id("b"),)


def test_a_persons_unlink_stands_and_no_machine_undoes_it(desk: DeskWithLinks) -> None:
    desk.take(*triaged(("a", SITE), ("b", SITE)))
    assert desk.ruled(unlink("b", "a", version=0, reason="another_person")) == ("applied", None)
    desk.take(amended(supplemented("aussi autre.example/compte", "a", 1)))
    desk.take(amended(supplemented("aussi autre.example/compte et gain.example/promo", "b", 2)))
    assert desk.others("a") == desk.others("b") == set()
    assert len([each for each in desk.said_of_links() if isinstance(each, ReportLinkedV1)]) == 1
    (ruling,) = desk.links("a").unlinked
    assert (ruling.target, ruling.reason, ruling.actor) == (report_id("b"), "another_person", "analyst-1")


def test_a_report_taken_from_an_indicator_leaves_all_who_share_it_and_may_come_back(desk: DeskWithLinks) -> None:
    desk.take(*triaged(("a", SITE), ("b", SITE), ("c", SITE)))
    key = desk.links("c").groups[0].key.key
    assert desk.ruled(unlink("c", key=key), report_id("1")) == ("applied", None)
    assert desk.others("a") == {report_id("b")}
    assert desk.others("c") == set()
    desk.take(amended(supplemented("toujours gain.example/promo", "c")))
    assert desk.others("c") == set()
    back = LinkReportsV1(report_id=report_id("c"), key=key, actor="analyst-2", decided_at=NOW, version=1)
    assert desk.ruled(back, report_id("2")) == ("applied", None)
    assert desk.others("c") == {report_id("a"), report_id("b")}


def test_a_person_links_what_the_machine_does_not_see(desk: DeskWithLinks) -> None:
    desk.take(*triaged(("a", SITE), ("b", "insultes")))
    assert desk.ruled(link("b", "a", version=0)) == ("applied", None)
    assert [ruling.target for ruling in desk.links("a").linked] == [report_id("b")]
    assert desk.links("b").version == desk.links("a").version == 1
    (said,) = desk.said_of_links()
    assert isinstance(said, ReportLinkedV1)
    assert (said.by, said.actor) == (LinkedBy.PERSON, "analyst-1")


def test_refusals_change_nothing_and_a_repeated_command_keeps_its_result(desk: DeskWithLinks) -> None:
    desk.take(*triaged(("a", SITE), ("b", SITE)))
    assert desk.ruled(unlink("a", "b"), report_id("1")) == ("applied", None)
    assert desk.ruled(unlink("a", "b"), report_id("1")) == ("applied", None)
    assert desk.ruled(link("a", "b", version=0), report_id("2")) == ("refused", "stale_version")
    assert desk.ruled(unlink("b", "a"), report_id("3")) == ("refused", "already_so")
    assert desk.ruled(link("a", "nowhere"), report_id("4")) == ("refused", "unknown_report")
    assert desk.links("a").version == 1


def test_nothing_of_an_indicator_is_in_what_is_said_of_links(desk: DeskWithLinks) -> None:
    secret = "+212612345678"
    desk.take(*triaged(("a", f"appelez {secret}"), ("b", f"appelez {secret}")))
    records = PostgresOutbox(desk.database, GROUP).read({}, 100).records
    assert records
    assert not [each for each in records if b"612345678" in (each.value or b"")]


def test_an_unknown_report_has_no_links(desk: DeskWithLinks) -> None:
    assert store.of_report(desk.database, report_id("nowhere"), limit=1) is None


LETTER = (
    "Bonjour, on m'a envoyé hier soir ce long message étrange de la part d'un inconnu et je ne sais vraiment pas quoi "
    "en penser, merci de me dire ce que je peux faire"
)


def test_texts_that_resemble_each_other_are_suggested_and_never_joined(desk: DeskWithLinks) -> None:
    spelt = LETTER.replace("étrange", "etrangge").replace("vraiment", "vrement") + " svp"
    other = "السلام عليكم وصلتني رسالة غريبة من شخص لا أعرفه ولا أدري ماذا أفعل بها شكرا لكم على كل شيء"
    desk.take(*triaged(("a", LETTER), ("b", spelt), ("c", other)))
    links = desk.links("a")
    assert [each.report_id for each in links.suggested] == [report_id("b")]
    assert 0.6 < links.suggested[0].share <= 1
    assert (links.groups, links.linked, desk.said_of_links()) == ([], [], [])
    assert desk.ruled(unlink("a", "b")) == ("applied", None)
    assert desk.links("a").suggested == []
