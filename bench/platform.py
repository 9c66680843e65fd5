"""The whole platform for a benchmark: stores of their own, topics and tables, then the services as processes."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from bench.stores import Stores, embedded_stores
from ibalagh.local.processes import free_ports
from ibalagh.local.services import SERVICES, Service
from ibalagh.local.stack import Stack

PROJECT_ROOT = Path(__file__).resolve().parents[1]


class Platform(NamedTuple):
    """A running platform: addresses by service, the token, process ids by name, stores included."""

    stores: Stores
    addresses: dict[str, str]
    token: str
    pids: dict[str, int]
    client: httpx.Client

    def counters(self) -> dict[str, Any]:
        """What stats counts at this moment (`GET /v1/counters`)."""
        answer = self.client.get(
            f"{self.addresses['stats']}/v1/counters", headers={"Authorization": f"Bearer {self.token}"}
        )
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document


@contextmanager
def platform(
    before_services: Callable[[Stores], None] = lambda _: None, services: Collection[str] | None = None
) -> Iterator[Platform]:
    """Everything, started, or of the services only those named; `before_services` runs when topics and tables exist and
    no service does.

    Raises `ibalagh.local.errors.StackError` when it cannot be started.
    """
    with embedded_stores() as stores, tempfile.TemporaryDirectory(prefix="ibalagh-bench-home-") as home:
        environ = {
            **os.environ,
            "IBALAGH_KAFKA_BOOTSTRAP": stores.bootstrap,
            "IBALAGH_DATABASE_URL": stores.database_url,
            "IBALAGH_HOME": home,
            "IBALAGH_LOG_LEVEL": "WARNING",
        }
        for command in (("topics", "apply"), ("db", "apply")):
            subprocess.run(  # noqa: S603
                [sys.executable, "-m", "ibalagh.cli", *command],
                env=environ,
                cwd=PROJECT_ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        before_services(stores)
        chosen = [one for one in SERVICES if services is None or one.name in services]
        table = [Service(one.name, one.module, port) for one, port in zip(chosen, free_ports(len(chosen)), strict=True)]
        stack = Stack(Path(home), environ=environ, table=table)
        stack.start(lambda _: None)
        try:
            state = stack.state
            # One client for all questions: a new one reads the certificates of the whole world each time, which took
            # a tenth of the processors that are being measured.
            with httpx.Client(verify=False, timeout=10) as client:  # noqa: S501  # loopback, without TLS
                yield Platform(
                    stores,
                    {service.name: stack.address(service.name) for service in table},
                    state.token or "",
                    {**{one.name: one.pid for one in state.services}, **stores.pids},
                    client,
                )
        finally:
            stack.stop()
