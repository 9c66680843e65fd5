"""The edge: a country may come of an address, and no address comes any further."""

import asyncio
import ipaddress
from functools import cache
from typing import Any

import iptocc
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.reports import ReportReceivedV1
from services.intake.__main__ import application
from services.intake.edge import ADDRESS_HEADERS, COUNTRY, CountryFrom, Edge, country_of
from services.intake.submission import Submission, parse
from tests.support import canaries
from tests.support.intake import app_client
from tests.unit.test_intake_http import SETTINGS, Service

HEADERS = [(name.lower().encode(), value.encode()) for name, value in canaries.HEADERS.items()]


@cache
def some_address(country: str) -> str:
    """An address that the table gives to a country; addresses for documentation have none."""
    return next(
        str(address)
        for first in range(11, 224)
        for second in range(0, 256, 8)
        for address in [ipaddress.IPv4Address(f"{first}.{second}.0.1")]
        if address.is_global and iptocc.country_code(str(address)) == country
    )


def passed_on(scope: dict[str, Any], country_from: CountryFrom) -> dict[str, Any]:
    """What comes out of the edge."""
    seen: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.update(scope)

    async def go() -> None:
        await Edge(app, country_from, iptocc.country_code)(scope, None, None)  # type: ignore[arg-type]

    asyncio.run(go())
    return seen


def scope_of(*headers: tuple[bytes, bytes], peer: str = canaries.PEER) -> dict[str, Any]:
    return {"type": "http", "path": "/", "client": (peer, 4711), "headers": list(headers)}


@pytest.mark.parametrize("country_from", list(CountryFrom))
def test_no_address_comes_through_whatever_the_setting(country_from: CountryFrom) -> None:
    scope = scope_of((b"Accept", b"*/*"), *HEADERS)
    seen = passed_on(scope, country_from)
    for left in (seen, scope):
        assert left["client"] is None
        assert left[COUNTRY] is None
        told = [pair for pair in left["headers"] if pair[0] not in (b"user-agent", b"referer", b"origin")]
        assert canaries.found_in({"scope": repr(told).encode()}) == []
    assert (b"Accept", b"*/*") in seen["headers"]
    assert {name for name, _ in HEADERS} - ADDRESS_HEADERS == {b"user-agent", b"referer", b"origin"}


def test_the_last_hop_counts_and_what_a_sender_claims_before_it_does_not() -> None:
    france, spain = some_address("FR"), some_address("ES")
    claimed = (b"x-forwarded-for", f"{spain}, {france}".encode())
    assert passed_on(scope_of(claimed), CountryFrom.PROXY)[COUNTRY] == "FR"
    two = ((b"X-Forwarded-For", spain.encode()), (b"x-forwarded-for", france.encode()))
    assert passed_on(scope_of(*two), CountryFrom.PROXY)[COUNTRY] == "FR"
    assert passed_on(scope_of(claimed, peer=spain), CountryFrom.PEER)[COUNTRY] == "ES"
    assert passed_on(scope_of(claimed, peer=spain), CountryFrom.NOBODY)[COUNTRY] is None
    assert passed_on(scope_of(peer=spain), CountryFrom.PROXY)[COUNTRY] is None
    assert passed_on(scope_of() | {"client": None}, CountryFrom.PEER)[COUNTRY] is None


@pytest.mark.parametrize("form", ["{}", " {} ", "{}:443", '"{}"', "::ffff:{}", "[::ffff:{}]:443"])
def test_an_address_is_read_however_proxies_write_it(form: str) -> None:
    assert country_of(form.format(some_address("FR")), iptocc.country_code) == "FR"


@pytest.mark.parametrize(
    "written",
    ["", "unknown", "_hidden", "127.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0", "[", "x" * 500, "1.2.3", ":::"],
)
def test_what_is_no_address_of_the_public_network_has_no_country(written: str) -> None:
    assert country_of(written, iptocc.country_code) is None


@given(st.text(max_size=80))
def test_any_text_gives_two_letters_or_nothing(written: str) -> None:
    country = country_of(written, iptocc.country_code)
    assert country is None or (len(country) == 2 and country.isupper())


def test_what_a_person_states_wins_and_only_then_the_table() -> None:
    silent, stated = parse(Submission, b'{"text": "x"}'), parse(Submission, b'{"text": "x", "origin_country": "MA"}')
    assert silent.located("FR").origin_country == "FR"
    assert silent.located(None).origin_country == "MA"
    assert stated.located("FR").origin_country == "MA"


def countries(settings: dict[str, Any], **body: str) -> list[str]:
    """The countries in the events of a report and of a form that come from France, by the edge's proxy."""
    service = Service()
    service.app = application(SETTINGS.model_copy(update=settings), service.intake, [])
    via = {"X-Forwarded-For": some_address("FR")}
    with app_client(service.app) as client:
        assert client.post("/v1/reports", json={"text": "x", **body}, headers=via).status_code == 202
        assert client.post("/", data={"text": "x", **body}, headers=via).status_code == 200
        page = client.post("/", data={"text": "x", "step": "evidence", "go": "next"}, headers=via)
    assert ('value="FR" selected' in page.text) is bool(settings)
    records = [orjson.loads(each.record.value or b"") for each in service.queue.reports]
    assert some_address("FR") not in repr(records)
    return [ReportReceivedV1.model_validate(each).facts.country for each in records]


def test_a_report_carries_the_country_that_was_looked_up_unless_its_sender_states_one() -> None:
    on = {"country_from": CountryFrom.PROXY}
    assert countries(on) == ["FR", "FR"]
    assert countries(on, origin_country="ES") == ["ES", "ES"]
    assert countries({}) == ["MA", "MA"]
