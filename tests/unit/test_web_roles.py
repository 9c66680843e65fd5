"""Roles and permissions: the table is whole, and claims give what they should and no more."""

import re
from typing import Any

import pytest

from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.web.demo_people import DEMO_PEOPLE
from ibalagh.web.roles import GRANTS, MEANING, Permission, Role, permissions_of, roles_from_claims, roles_of
from ibalagh.web.sign_in_words import ROLES, SIGN_IN
from ibalagh.web.words import LANGUAGES

ASKED_ELSEWHERE = {Permission.IDENTITY_UNSEAL: "identities are opened by `ibalagh vault` alone, for now"}


def test_every_role_is_granted_something_and_every_permission_is_somebodys_and_explained() -> None:
    assert GRANTS.keys() == set(Role)
    assert all(GRANTS.values())
    assert permissions_of(Role) == set(Permission) == MEANING.keys()
    assert {f"role_{role}" for role in Role} == ROLES.keys()
    assert all(len(words) == len(LANGUAGES) and all(words) for words in (*ROLES.values(), *SIGN_IN.values()))


def test_every_permission_is_asked_for_by_some_page() -> None:
    sources = [path.read_text() for path in (PROJECT_ROOT / "services").rglob("*.py")]
    sources.append((PROJECT_ROOT / "ibalagh" / "web" / "signed_in.py").read_text())
    asked = {name for text in sources for name in re.findall(r"Permission\.([A-Z_]+)", text)}
    assert asked | {each.name for each in ASKED_ELSEWHERE} == {each.name for each in Permission}


def test_who_watches_decides_nothing() -> None:
    deciding = {Permission.REPORTS_DECIDE, Permission.REPORTS_DECIDE_MINORS, Permission.CASES_ACT}
    assert not deciding & permissions_of([Role.AUDITOR, Role.ADMIN, Role.OPERATOR, Role.CUSTODIAN])
    assert Permission.REPORTS_DECIDE_MINORS not in GRANTS[Role.ANALYST]


def test_the_demonstration_has_somebody_for_every_role() -> None:
    assert {role for person in DEMO_PEOPLE.values() for role in person.roles} == set(Role)
    assert all(name == person.pseudonym for name, person in DEMO_PEOPLE.items())


@pytest.mark.parametrize(
    ("claims", "claim", "mapping", "expected"),
    [
        ({"roles": ["analyst", "cook"]}, "roles", {}, {Role.ANALYST}),
        ({"roles": "officer"}, "roles", {}, {Role.OFFICER}),
        ({"realm_access": {"roles": ["auditor"]}}, "realm_access.roles", {}, {Role.AUDITOR}),
        ({"https://id.example/roles": ["admin"]}, "https://id.example/roles", {}, {Role.ADMIN}),
        (
            {"groups": ["G1", "G2", "analyst"]},
            "groups",
            {"G1": "operator", "G2": "officer"},
            {Role.OPERATOR, Role.OFFICER},
        ),
        ({}, "roles", {}, set()),
        ({"roles": None}, "roles", {}, set()),
        ({"roles": {"analyst": True}}, "roles", {}, set()),
        ({"roles": [["analyst"], 1, None]}, "roles", {}, set()),
        ({"a": "b"}, "a.b.c", {}, set()),
    ],
)
def test_a_claim_gives_the_roles_that_it_names(
    claims: dict[str, Any], claim: str, mapping: dict[str, str], expected: set[Role]
) -> None:
    assert roles_from_claims(claims, claim, mapping) == expected


def test_names_of_no_role_are_passed_over() -> None:
    assert roles_of(["analyst", "ANALYST", "", "root"]) == {Role.ANALYST}
