"""The outermost edge: what a network address says about a country is taken from it, and then no address is left.

In: a request as the server has it; out: the same request without any address of its sender, for everything that runs
behind. What stays, and only where the setting says so, are two letters: the country that a table in this process (the
registries' own assignments, package `iptocc`, no network) gives for the address.
"""

import ipaddress
from enum import StrEnum
from typing import Final, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

COUNTRY: Final = "ibalagh.country"
"""Where a request's scope holds the country that was looked up: ISO 3166-1 alpha-2, or None."""

ADDRESS_HEADERS: Final = frozenset(
    {
        *(b"x-forwarded-for", b"forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"x-cluster-client-ip"),
        *(b"cf-connecting-ip", b"cf-connecting-ipv6", b"cf-pseudo-ipv4", b"fastly-client-ip", b"x-forwarded"),
        *(b"x-original-forwarded-for", b"x-envoy-external-address", b"x-azure-clientip", b"client-ip", b"via"),
        *(b"x-appengine-user-ip", b"x-originating-ip", b"x-remote-ip", b"x-remote-addr", b"forwarded-for"),
    }
)
"""Headers in which proxies tell whom a request came from, in lower case."""
_FORWARDED_FOR: Final = b"x-forwarded-for"
_LONGEST_ADDRESS: Final = 64


class CountryFrom(StrEnum):
    """Whose address is looked up: nobody's, that of the connection's other end, or the last of `X-Forwarded-For`."""

    NOBODY = "nobody"
    PEER = "peer"
    PROXY = "proxy"


class Table(Protocol):
    """A table of countries; see `iptocc.country_code`. None for what is in none."""

    def __call__(self, addr: str, /) -> str | None: ...


class Edge:
    """ASGI 3 middleware, to be added last, so that it runs first. It changes the scope itself, not a copy of it, so the
    server that made the scope has no address any more either."""

    def __init__(self, app: ASGIApp, country_from: CountryFrom, table: Table) -> None:
        self._app = app
        self._country_from = country_from
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if "headers" in scope:
            scope[COUNTRY] = self._country(scope)
            scope["client"] = None
            scope["headers"] = [pair for pair in scope["headers"] if pair[0].lower() not in ADDRESS_HEADERS]
        await self._app(scope, receive, send)

    def _country(self, scope: Scope) -> str | None:
        if self._country_from is CountryFrom.NOBODY:
            return None
        if self._country_from is CountryFrom.PEER:
            peer = scope.get("client")
            return country_of(peer[0] if peer else "", self._table)
        # Only the last hop was written by our own proxy; what stands before it, anyone may have sent.
        hops = [value for name, value in scope["headers"] if name.lower() == _FORWARDED_FOR]
        return country_of(hops[-1].rpartition(b",")[2].decode("latin-1") if hops else "", self._table)


def country_of(written: str, table: Table) -> str | None:
    """The country of an address as it stands in a header or a socket's name, with a port, brackets or a zone or
    without. None where the table has none, and for whatever is no address of the public network."""
    host = written[:_LONGEST_ADDRESS].strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return table(str(address)) if address.is_global else None
