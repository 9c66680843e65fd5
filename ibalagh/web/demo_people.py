"""The people of the demonstration: invented, with roles, for trying the pages out where no provider is set up.

Their password is the interface's token, so that nobody gets in here who could not ask the interface anyhow.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ibalagh.web.roles import Role


class DemoPerson(NamedTuple):
    """A pseudonym, an invented name, and the roles."""

    pseudonym: str
    name: str
    roles: frozenset[Role]


def _people(*rows: tuple[str, str, Role]) -> Mapping[str, DemoPerson]:
    return MappingProxyType({row[0]: DemoPerson(row[0], row[1], frozenset({row[2]})) for row in rows})


DEMO_PEOPLE: Final = _people(
    ("analyst-1", "Salma Ouazzani", Role.ANALYST),
    ("analyst-2", "Yassine Berrada", Role.ANALYST),
    ("senior-1", "Nadia El Fassi", Role.SENIOR_ANALYST),
    ("senior-2", "Omar Tazi", Role.SENIOR_ANALYST),
    ("custodian-1", "Hind Lahlou", Role.CUSTODIAN),
    ("officer-1", "Karim Naciri", Role.OFFICER),
    ("officer-2", "Meryem Idrissi", Role.OFFICER),
    ("prosecutor-1", "Rachid Benjelloun", Role.PROSECUTOR),
    ("operator-1", "Imane Chraibi", Role.OPERATOR),
    ("auditor-1", "Driss Alami", Role.AUDITOR),
    ("admin-1", "Leila Sebti", Role.ADMIN),
)
"""By pseudonym."""
