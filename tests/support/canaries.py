"""Addresses of nobody, planted wherever a request can carry one, and the search for them in everything that is kept.

In: a client, routes; out: what was answered. In: a place; out: where a canary was found, whatever its spelling.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg2
from confluent_kafka.admin import AdminClient
from fastapi.routing import APIRoute

from services.intake.settings import IntakeSettings
from tests.support.intake import described_application
from tests.support.log import read_all

PEER: Final = "127.83.91.7"
"""The address that the requests really come from."""
ADDRESSES: Final = ("198.51.100.77", "203.0.113.201", "2001:db8:cafe::77", PEER)
HEADERS: Final = {
    "X-Forwarded-For": f"{ADDRESSES[0]}, {ADDRESSES[2]}",
    "Forwarded": f'for="[{ADDRESSES[2]}]:4711";proto=https;by={ADDRESSES[1]}',
    "X-Real-IP": ADDRESSES[1],
    "CF-Connecting-IP": ADDRESSES[0],
    "CF-Connecting-IPv6": ADDRESSES[2],
    "True-Client-IP": ADDRESSES[1],
    "X-Client-IP": ADDRESSES[2],
    "Via": f"1.1 {ADDRESSES[0]}",
    "User-Agent": f"canary/{ADDRESSES[1]}",
    "Referer": f"https://{ADDRESSES[0]}/",
    "Origin": f"https://{ADDRESSES[1]}",
}


def spellings(address: str) -> set[bytes]:
    """The ways in which an address may be kept: as text, long or short, as hexadecimal digits of text or number, as a
    number's bytes."""
    parsed = ipaddress.ip_address(address)
    texts = {address, parsed.exploded, parsed.compressed}
    if isinstance(parsed, ipaddress.IPv4Address):
        texts.add(f"::ffff:{address}")
    found = {text.encode() for text in texts} | {text.encode().hex().encode() for text in texts}
    if isinstance(parsed, ipaddress.IPv6Address):
        found |= {parsed.packed, parsed.packed.hex().encode()}
    return found


SPELLINGS: Final = {spelling for address in ADDRESSES for spelling in spellings(address)}
"""Four bytes of an IPv4 address are left out: chance writes them into files."""


def found_in(places: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """Where a canary is, and in which spelling; letters' case does not matter."""
    found: list[tuple[str, bytes]] = []
    for where, content in places.items():
        lowered = content.lower()
        found += [(where, each) for each in sorted(SPELLINGS) if each.lower() in lowered]
    return found


def planting_client(url: str) -> httpx.Client:
    """A client whose own address and every header are canaries."""
    transport = httpx.HTTPTransport(local_address=PEER)
    return httpx.Client(base_url=url, headers=HEADERS, transport=transport, timeout=30, follow_redirects=False)


def intake_routes() -> list[tuple[str, str]]:
    """Every route that intake has, by method and path, so that a new one is asked too."""
    app = described_application(IntakeSettings())
    found = [(method, each.path) for each in app.routes if isinstance(each, APIRoute) for method in each.methods]
    assert {
        ("POST", "/v1/reports"),
        ("POST", "/v1/attachments"),
        ("POST", "/v1/status"),
        ("POST", "/"),
        ("GET", "/metrics"),
    } <= set(found)
    return sorted(found)


def ask_everything(client: httpx.Client, routes: Iterable[tuple[str, str]], size: int) -> Iterator[httpx.Response]:
    """Every route in many ways, mostly to be refused: nothing, no JSON, no form, a wrong method, `size` bytes, a wrong
    token; and addresses that do not exist."""
    for method, path in routes:
        yield client.request(method, path)
        yield client.request(method, path, params={"from": ADDRESSES[0]})
        yield client.request(method, path, headers={"Authorization": f"Bearer {ADDRESSES[1]}"})
        yield client.request(method, path, headers={"Accept-Language": ADDRESSES[2], "Accept": "text/html"})
        yield client.request("DELETE", path)
        if method == "POST":
            for content, kind in (
                (b"{not json", "application/json"),
                (b"[]", "application/json"),
                (b"{}", "application/json"),
                (b"a=b&%ff=%00", "application/x-www-form-urlencoded"),
                (b"--x\r\nnothing", "multipart/form-data; boundary=x"),
                (b" " * size, "application/json"),
            ):
                yield client.post(path, content=content, headers={"Content-Type": kind})
    for path in ("/nowhere", f"/{ADDRESSES[0]}", "/static/../../etc", "/%00"):
        yield client.get(path)
        yield client.post(path, content=b"x")


def tables(url: str) -> dict[str, bytes]:
    """Every table of every schema but the server's own, as text."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
                " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'"
            )
            names = [row[0] for row in cursor.fetchall()]
            content = {}
            for name in names:
                cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM {name} t")
                [(text,)] = cursor.fetchall()
                content[f"table {name}"] = text.encode()
            return content
    finally:
        connection.close()


def topics(bootstrap: str, prefix: str) -> dict[str, bytes]:
    """Every record of every topic with this prefix: key, value and headers."""
    names = [
        name for name in AdminClient({"bootstrap.servers": bootstrap}).list_topics().topics if name.startswith(prefix)
    ]
    return {f"topic {name}": b"\n".join(map(_whole, read_all(bootstrap, name))) for name in names}


def _whole(record: Any) -> bytes:
    return b"\n".join((record.key or b"", record.value or b"", repr(record).encode()))


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, logs among them."""
    return {f"file {path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
