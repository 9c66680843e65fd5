"""An embedded broker and database for a benchmark: in a folder of their own that goes when the benchmark ends."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ibalagh.local.kafka import EmbeddedKafka
from ibalagh.local.postgres import EmbeddedPostgres


class Stores(NamedTuple):
    """Addresses, and process ids by name for the accounts."""

    bootstrap: str
    database_url: str
    pids: Mapping[str, int]


@contextmanager
def embedded_stores() -> Iterator[Stores]:
    """Both, started empty and stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="ibalagh-bench-") as folder:
        kafka = EmbeddedKafka(Path(folder) / "kafka")
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            kafka.start()
            postgres.start()
            database = postgres.pid
            assert database is not None  # noqa: S101  # it has just started
            yield Stores(kafka.bootstrap, postgres.url, {"kafka": kafka.pids()["kafka-1"], "postgres": database})
        finally:
            kafka.stop()
            postgres.stop()
