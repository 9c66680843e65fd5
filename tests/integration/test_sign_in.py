"""Signing in to referral's pages: by a real provider's code flow, by a dishonest one, and what ends a session.

A real database; the provider is `oidc-provider-mock` as a process, or one of ours that answers what a test wants.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from ibalagh.contracts.codec import Codec
from ibalagh.local.processes import free_ports
from ibalagh.storage import people
from ibalagh.storage.audit import Audit
from ibalagh.storage.migrate import apply
from ibalagh.storage.postgres import Database
from ibalagh.stream.memory import MemoryBroker
from ibalagh.web import session
from ibalagh.web.commands import Commands
from services.referral import app as application
from services.referral.settings import ReferralSettings
from tests.support import id_provider, sign_in
from tests.support.databases import execute
from tests.support.id_provider import Dishonest
from tests.support.serving import serving
from tests.support.sign_in import Provider, by_provider, follow, form_token

TOKEN = "t" * 40
AT_ONCE = {"roles_recheck_s": 0}


class Clock:
    """The service's clock, which a test sets forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class Site:
    """Referral's pages: a browser before them, their database, their clock; `another` is a browser of somebody else."""

    def __init__(self, client: httpx.Client, database: Database, clock: Clock) -> None:
        self.client = client
        self.database = database
        self.clock = clock
        self.audit = Audit(database)

    @contextmanager
    def another(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.client.base_url, timeout=10) as client:
            yield client

    def asks(self) -> bool:
        """Whether the first page asks to sign in."""
        return "/sign-in/start" in self.client.get("/?lang=en").text

    def sessions(self) -> int:
        return sum(each.sessions for each in people.everybody(self.database, self.clock()))

    def noted(self, action: str) -> list[str]:
        """The details of what was noted of an action, the newest first."""
        return [entry.detail for entry in self.audit.newest() if entry.action == action]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    apply(database_url, "referral")
    made = Database(database_url, "referral")
    yield made
    made.close()


@contextmanager
def site(database: Database, **given: Any) -> Iterator[Site]:
    """The pages on a port of their own."""
    (port,) = free_ports(1)
    codec, broker, clock = Codec(), MemoryBroker(), Clock()
    settings = ReferralSettings(**{"api_token": TOKEN, "site_url": f"http://127.0.0.1:{port}", **given})
    app = application.create(settings, database, Commands(broker.producer(), codec, database), [], clock=clock)
    with serving(app, port) as client:
        yield Site(client, database, clock)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    (port,) = free_ports(1)
    with sign_in.provider(port, tmp_path_factory.mktemp("provider") / "log") as running:
        yield running


def at(issuer: str, folder: Path) -> dict[str, Any]:
    return {"oidc_issuer": issuer, "oidc_client_id": "ibalagh", **sign_in.secret_files(folder)}


@pytest.fixture
def honest(there: Provider, tmp_path: Path) -> dict[str, Any]:
    """Settings for the real provider; the officer `salma` signs in there."""
    there.set_person("salma", name="Salma O.", roles=["officer"])
    return at(there.issuer, tmp_path)


@pytest.fixture
def liar(tmp_path: Path) -> Iterator[tuple[Dishonest, dict[str, Any]]]:
    (port,) = free_ports(1)
    with id_provider.dishonest(port) as running:
        yield running, at(running.issuer, tmp_path)


def go_away(client: httpx.Client) -> str:
    """Begin to sign in; the provider's address."""
    return client.get("/sign-in/start", params={"lang": "fr", "to": "/?state=referred"}).headers["location"]


def through(running: Dishonest, client: httpx.Client) -> httpx.Response:
    """Sign in by the dishonest provider."""
    return client.get("/sign-in/return", params=running.code_for(go_away(client)))


def test_a_person_signs_in_by_the_code_flow_and_comes_to_the_page_that_was_asked_for(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest) as here:
        answer = by_provider(here.client, there, "salma", "/?state=referred")
        assert answer.headers["location"] == "/?state=referred&lang=en"
        cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("ibalagh_referral="))
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        page = follow(here.client, answer).text
        assert "Salma O." in page
        assert "Officer" in page
        assert "Demonstration" not in page
        assert here.noted("signed_in") == ["officer"]
        assert "no-store" in here.client.get("/").headers["cache-control"]


def test_what_is_kept_of_a_person_is_a_pseudonym_and_of_the_cookie_a_hash(
    database: Database, there: Provider, honest: dict[str, Any], database_url: str
) -> None:
    with site(database, **honest) as here:
        by_provider(here.client, there, "salma")
        secret = here.client.cookies["ibalagh_referral"]
        (person,) = people.everybody(database, here.clock())
        assert re.fullmatch(r"p-[a-z2-7]{16}", person.pseudonym)
        with database.transaction() as tx:
            dumped = str(tx.fetch_all("SELECT s::text, p::text FROM sessions s, people p"))
            dumped += str(tx.fetch_all("SELECT a::text FROM access_audit a"))
        assert secret not in dumped
        assert "salma" not in dumped
        here.client.get(there.approve(go_away(here.client), "salma"))
        assert len(people.everybody(database, here.clock())) == 1
        assert here.sessions() == 1  # the one before was ended


def test_a_role_that_is_taken_away_ends_the_session_at_the_next_request(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest, **AT_ONCE) as here:
        by_provider(here.client, there, "salma")
        assert not here.asks()
        there.set_person("salma", name="Salma O.", roles=["operator"])
        denied = here.client.get("/?lang=en")
        assert denied.status_code == 403
        assert "cases.read" in denied.text
        assert here.noted("refused") == [""]
        there.set_person("salma", name="Salma O.", roles=[])
        assert here.asks()
        assert here.sessions() == 0
        assert here.noted("session_ended") == ["no_role"]
        there.set_person("salma", name="Salma O.", roles=["officer"])
        assert here.asks()  # the cookie opens nothing any more


def test_a_form_that_was_open_when_the_role_went_does_nothing(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest, **AT_ONCE) as here:
        by_provider(here.client, there, "salma")
        token = form_token(here.client.get("/").text)
        there.set_person("salma", roles=["auditor"])
        form = {"form_token": token, "action": "accept", "version": "1"}
        case = "/cases/01890000-0000-7000-8000-000000000001/actions"
        assert here.client.post(case, data=form).status_code == 403
        assert here.client.get("/audit").status_code == 200
        there.end_tokens("salma")
        assert here.client.post(case, data=form).status_code == 401


def test_roles_are_asked_for_again_only_when_they_are_too_old(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest, roles_recheck_s=300) as here:
        by_provider(here.client, there, "salma")
        there.set_person("salma", roles=[])
        assert not here.asks()
        here.clock.forward(301)
        assert here.asks()


def test_a_session_ends_after_rest_and_after_its_longest_time(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest, session_s=3600, session_idle_s=1200) as here:
        by_provider(here.client, there, "salma")
        for _ in range(3):
            here.clock.forward(1000)
            assert not here.asks()
        here.clock.forward(700)
        assert here.asks()
        by_provider(here.client, there, "salma")
        here.clock.forward(1300)
        assert here.asks()
        assert here.sessions() == 0


def test_signing_out_ends_the_session_here_and_leads_to_its_end_there(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest) as here:
        by_provider(here.client, there, "salma")
        secret = here.client.cookies["ibalagh_referral"]
        page = here.client.get("/?lang=ar").text
        assert here.client.post("/sign-out", data={"form_token": "0" * 64}).status_code == 403
        answer = here.client.post("/sign-out?lang=ar", data={"form_token": form_token(page)})
        assert answer.status_code == 200
        link = re.search(rf'href="({there.issuer}/oauth2/end_session\?[^"]+)"', answer.text)
        assert link is not None
        assert "id_token_hint=ey" in link[1]
        assert "post_logout_redirect_uri=http%3A%2F%2F127.0.0.1" in link[1]
        assert here.asks()
        here.client.cookies.set("ibalagh_referral", secret)
        assert here.asks()
        assert here.noted("signed_out") == [""]


def test_whoever_refuses_at_the_provider_is_not_signed_in(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest) as here:
        answer = here.client.get(there.deny(go_away(here.client)))
        assert answer.status_code == 403
        assert "access_denied" in answer.text
        assert here.asks()


def test_an_answer_of_another_browser_or_a_second_time_signs_nobody_in(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest) as here, here.another() as other:
        back = there.approve(go_away(here.client), "salma")
        stolen = other.get(back)
        assert (stolen.status_code, "unknown_sign_in" in stolen.text) == (400, True)
        go_away(other)
        assert other.get(back).status_code == 400  # of a sign-in, but not of this one
        assert here.sessions() == 0
        assert here.client.get(back).status_code == 303
        assert here.client.get(back).status_code == 400
        assert here.sessions() == 1


def test_a_sign_in_that_takes_too_long_is_begun_anew(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest) as here:
        back = there.approve(go_away(here.client), "salma")
        here.clock.forward(601)
        assert here.client.get(back).status_code == 400
        assert here.sessions() == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 1_700_000_000}, "expired"),
        ({"nonce": "of another sign-in"}, "wrong_nonce"),
        ({"aud": "another client"}, "wrong_aud"),
        ({"iss": "https://id.example"}, "wrong_iss"),
        ({"sub": "omar"}, "wrong_sub"),
    ],
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    database: Database, liar: tuple[Dishonest, dict[str, Any]], changes: dict[str, Any], code: str
) -> None:
    running, settings = liar
    running.changes = changes
    with site(database, **settings) as here:
        answer = through(running, here.client)
        assert answer.status_code == 400
        assert code in answer.text
        assert here.sessions() == 0
        running.changes = {}
        assert through(running, here.client).headers["location"] == "/?state=referred"
        assert running.authorizations[-1].startswith("Basic ")


def test_a_token_signed_by_anybody_else_is_forged_and_a_new_key_is_learnt(
    database: Database, liar: tuple[Dishonest, dict[str, Any]]
) -> None:
    running, settings = liar
    honest_key, running.key = running.key, id_provider.RSAKey.generate_key(2048, {"kid": "k1"})
    with site(database, **settings) as here:
        answer = through(running, here.client)
        assert (answer.status_code, "forged" in answer.text) == (400, True)
        running.key = honest_key
        assert through(running, here.client).status_code == 303


def test_an_access_token_that_ran_out_is_renewed_and_without_that_the_session_ends(
    database: Database, liar: tuple[Dishonest, dict[str, Any]]
) -> None:
    running, settings = liar
    with site(database, **settings, **AT_ONCE) as here:
        through(running, here.client)
        running.good_access = set()
        assert not here.asks()
        assert running.good_access == {"access-2"}
        assert not here.asks()
        running.good_access, running.good_refresh = set(), set()
        assert here.asks()


def test_somebody_elses_claims_do_not_keep_a_session(
    database: Database, liar: tuple[Dishonest, dict[str, Any]]
) -> None:
    running, settings = liar
    with site(database, **settings, **AT_ONCE) as here:
        through(running, here.client)
        running.claims = {"sub": "omar", "roles": ["officer"]}
        assert here.asks()


def test_while_the_provider_is_away_roles_hold_for_a_while_and_nobody_signs_in(
    database: Database, liar: tuple[Dishonest, dict[str, Any]]
) -> None:
    running, settings = liar
    with site(database, **settings, roles_recheck_s=60, roles_grace_s=600) as here, here.another() as other:
        through(running, here.client)
        back = running.code_for(go_away(other))
        running.status = 503
        assert other.get("/sign-in/return", params=back).status_code == 503
        here.clock.forward(100)
        assert not here.asks()
        here.clock.forward(600)
        away = here.client.get("/?lang=en")
        assert (away.status_code, "does not answer" in away.text) == (503, True)
        assert here.client.get("/?lang=en").status_code == 503
        running.status = 200
        here.clock.forward(20)
        assert not here.asks()


def test_an_account_without_a_role_has_no_session(database: Database, there: Provider, honest: dict[str, Any]) -> None:
    there.set_person("nobody", name="Nobody", roles=["cook"])
    with site(database, **honest) as here:
        answer = by_provider(here.client, there, "nobody")
        assert (answer.status_code, "no role here" in answer.text) == (403, False)
        assert "no_role" in answer.text
        assert here.sessions() == 0
        assert here.noted("sign_in_refused") == ["no_role"]


def test_names_of_the_providers_groups_are_mapped_onto_roles(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    there.set_person("omar", name="Omar", realm={"groups": ["grp-17"]}, roles=["admin"])
    with site(database, **honest, oidc_roles_claim="realm.groups", oidc_roles={"grp-17": "prosecutor"}) as here:
        assert "Prosecutor" in follow(here.client, by_provider(here.client, there, "omar")).text


def test_who_is_shut_out_is_out_at_once_and_stays_out_until_let_in(
    database: Database, there: Provider, honest: dict[str, Any]
) -> None:
    with site(database, **honest) as here:
        by_provider(here.client, there, "salma")
        (person,) = people.everybody(database, here.clock())
        assert people.shut_out(database, person.pseudonym, here.clock()) == 1
        assert here.asks()
        answer = by_provider(here.client, there, "salma")
        assert (answer.status_code, "shut_out" in answer.text) == (403, True)
        assert here.asks()
        assert people.let_in(database, person.pseudonym)
        assert by_provider(here.client, there, "salma").status_code == 303
        assert people.shut_out(database, "p-nobody", here.clock()) is None


def test_the_demonstrations_people_do_not_get_in_where_there_is_a_provider_or_any_host(
    database: Database, honest: dict[str, Any]
) -> None:
    for given in (honest, {"http_host": "0.0.0.0"}):
        with site(database, **given) as here:
            answer = sign_in.as_demo_person(here.client, TOKEN, "officer-1")
            assert answer.status_code == 422
            assert here.client.get("/").text.count('name="token"') == 0
            assert here.sessions() == 0


def test_a_demonstrations_session_does_not_outlive_the_demonstration(
    database: Database, honest: dict[str, Any]
) -> None:
    with site(database) as here:
        assert "Demonstration accounts" in here.client.get("/?lang=en").text
        assert sign_in.as_demo_person(here.client, TOKEN, "officer-1").status_code == 303
        page = here.client.get("/?lang=en").text
        assert "Karim Naciri" in page
        assert "Demonstration accounts" in page
        secret = here.client.cookies["ibalagh_referral"]
    with site(database, **honest) as here:
        here.client.cookies.set("ibalagh_referral", secret)
        assert here.asks()


def test_over_https_the_cookie_is_bound_to_the_host_and_goes_no_other_way(database: Database) -> None:
    with site(database, site_url="https://referral.example") as here:
        cookie = sign_in.as_demo_person(here.client, TOKEN, "officer-1").headers["set-cookie"]
        assert cookie.startswith("__Host-ibalagh_referral=")
        assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie


def test_of_requests_at_once_one_asks_the_provider(database: Database, there: Provider, honest: dict[str, Any]) -> None:
    with site(database, **honest, **AT_ONCE) as here:
        by_provider(here.client, there, "salma")
        id_hash = session.id_of(here.client.cookies["ibalagh_referral"])
        now = here.clock()
        until = now + timedelta(seconds=15)
        assert people.claim_check(database, id_hash, now, until)
        assert not people.claim_check(database, id_hash, now, until)
        assert not here.asks()  # the other one goes on with what is known
        assert people.claim_check(database, id_hash, until, until + timedelta(seconds=15))


def test_an_auditor_sees_who_did_what_and_nothing_else_and_that_look_is_noted(database: Database) -> None:
    with site(database) as here:
        sign_in.as_demo_person(here.client, TOKEN, "officer-1")
        refused = here.client.get("/audit?lang=fr")
        assert refused.status_code == 403
        assert "audit.read" in refused.text
        sign_in.as_demo_person(here.client, TOKEN, "auditor-1")
        assert here.client.get("/").status_code == 403
        page = here.client.get("/audit?lang=en&person=officer-1").text
        assert "signed_in" in page
        assert "refused" in page
        assert "auditor-1" not in re.sub(r"<input[^>]*>", "", page).partition("<tbody>")[2]
        assert here.client.get("/audit?lang=ar").status_code == 200
        assert [entry.subject for entry in here.audit.newest() if entry.kind == "audit"] == ["all", "officer-1"]
        assert here.client.get("/audit?person=%00").status_code == 422


def test_the_audit_is_only_added_to_and_shows_when_it_was_changed(database: Database, database_url: str) -> None:
    audit = Audit(database)
    audit.viewed("p-1", "report", "a", "b", permission="reports.read")
    audit.note("p-2", "confirm", "report", "é\\'\"", detail="x")
    audit.viewed("p-1", "report", permission="reports.read")
    head, found = audit.problems()
    assert (head.number, found) == (3, [])
    for statement in ("UPDATE access_audit SET person = 'p-3'", "DELETE FROM access_audit", "TRUNCATE access_audit"):
        with pytest.raises(Exception, match="only added to"), database.transaction() as tx:
            tx.execute(statement)
    execute(
        database_url,
        "SET session_replication_role = replica; UPDATE referral.access_audit SET subject = 'c' WHERE number = 2",
    )
    assert audit.problems()[1] == ["Row 2 was changed."]
    execute(database_url, "SET session_replication_role = replica; DELETE FROM referral.access_audit WHERE number = 3")
    assert "The newest row should be 3, the last one there is 2." in audit.problems()[1]


def test_a_service_that_ends_hangs_up_on_the_provider(
    database: Database, liar: tuple[Dishonest, dict[str, Any]]
) -> None:
    running, given = liar
    port = urlsplit(running.issuer).port

    def connections() -> list[object]:
        return [each for each in psutil.Process().net_connections("tcp") if each.raddr and each.raddr.port == port]

    with site(database, **given) as here:
        go_away(here.client)
        assert connections()
    assert not connections()
