"""Who may do what: the roles of people, and the permissions of each, declared here once. Pure.

In: what the identity provider says of a person (claims). Out: roles, and from them permissions. A role that is not in
the table has no permission, and a claim that names no role of ours gives none.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final


class Permission(StrEnum):
    """What a page or an action asks of whoever comes."""

    REPORTS_READ = "reports.read"
    REPORTS_DECIDE = "reports.decide"
    REPORTS_DECIDE_MINORS = "reports.decide.minors"
    REPORTS_MESSAGE = "reports.message"
    IDENTITY_UNSEAL = "identity.unseal"
    CASES_READ = "cases.read"
    CASES_ACT = "cases.act"
    FIGURES_READ = "figures.read"
    AUDIT_READ = "audit.read"
    MODELS_READ = "models.read"


MEANING: Final[Mapping[Permission, str]] = MappingProxyType(
    {
        Permission.REPORTS_READ: "see the queue and reports with their texts",
        Permission.REPORTS_DECIDE: "confirm, reclassify and dismiss reports",
        Permission.REPORTS_DECIDE_MINORS: "the same where minors are sexually exploited",
        Permission.REPORTS_MESSAGE: "write to reporters",
        Permission.IDENTITY_UNSEAL: "ask for a sealed identity to be opened",
        Permission.CASES_READ: "see the list of cases and their files",
        Permission.CASES_ACT: "act on cases",
        Permission.FIGURES_READ: "see the live figures",
        Permission.AUDIT_READ: "see who saw and did what",
        Permission.MODELS_READ: "see what a proposed model would decide otherwise",
    }
)
"""Each permission in words, for `ibalagh people roles` and docs/sign-in.md."""


class Role(StrEnum):
    """What a person is here; several at once are possible."""

    ANALYST = "analyst"
    SENIOR_ANALYST = "senior_analyst"
    CUSTODIAN = "custodian"
    OFFICER = "officer"
    PROSECUTOR = "prosecutor"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


_ANALYST: Final = frozenset(
    {Permission.REPORTS_READ, Permission.REPORTS_DECIDE, Permission.REPORTS_MESSAGE, Permission.FIGURES_READ}
)
_CASES: Final = frozenset({Permission.CASES_READ, Permission.CASES_ACT, Permission.FIGURES_READ})

GRANTS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.ANALYST: _ANALYST,
        Role.SENIOR_ANALYST: _ANALYST | {Permission.REPORTS_DECIDE_MINORS, Permission.MODELS_READ},
        Role.CUSTODIAN: frozenset({Permission.IDENTITY_UNSEAL}),
        Role.OFFICER: _CASES,
        Role.PROSECUTOR: _CASES,
        Role.OPERATOR: frozenset({Permission.FIGURES_READ}),
        # Who watches takes no part in what is watched: no auditor decides, and no administrator reads reports.
        Role.AUDITOR: frozenset({Permission.AUDIT_READ, Permission.FIGURES_READ}),
        Role.ADMIN: frozenset({Permission.FIGURES_READ, Permission.AUDIT_READ}),
    }
)
"""What each role may do. Everything else is refused."""


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """All that these roles may do together."""
    return frozenset[Permission]().union(*(GRANTS[role] for role in roles))


def roles_of(names: Iterable[str]) -> frozenset[Role]:
    """The roles of these names; names of no role are passed over."""
    known = {role.value: role for role in Role}
    return frozenset(known[name] for name in names if name in known)


def roles_from_claims(claims: Mapping[str, Any], claim: str, mapping: Mapping[str, str]) -> frozenset[Role]:
    """The roles that an identity provider gives a person.

    `claim` is the name of the claim, with dots for one inside another (`realm_access.roles`); its value is a name or a
    list of names. `mapping` is the provider's name → ours; when it is empty, both are the same.
    """
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    given = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    names = [name for name in given if isinstance(name, str)]
    return roles_of(mapping[name] for name in names if name in mapping) if mapping else roles_of(names)
