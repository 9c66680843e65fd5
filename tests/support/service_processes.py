"""A service as processes on a real broker and database, for tests that start, kill and recount them."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from ibalagh.contracts.codec import Codec
from ibalagh.events.envelope import Data, Event
from ibalagh.storage.migrate import apply
from ibalagh.stream.kafka import KafkaProducer
from tests.support import topics
from tests.support.log import Read, read_all
from tests.support.poll import eventually

TOKEN = "t" * 40


class ServiceProcesses:
    """Topics (name → partitions), a database, and as many processes of one service as a test starts.

    `client` speaks to the one started last; `logs` takes a file for each process.
    """

    def __init__(
        self, service: str, partitions: Mapping[str, int], broker: str, database_url: str, prefix: str, logs: Path
    ) -> None:
        self.service, self.broker = service, broker
        self._url, self._prefix, self._logs = database_url, prefix, logs
        self.codec = Codec(prefix)
        topics.create(broker, {self.codec.topic(name): count for name, count in partitions.items()})
        apply(database_url, service)
        self.producer = KafkaProducer(broker, "test")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.client = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)

    def start(self, worker: int = 0) -> subprocess.Popen[bytes]:
        """Start one more process and wait until it is ready."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = os.environ | {
            "IBALAGH_KAFKA_BOOTSTRAP": self.broker,
            "IBALAGH_DATABASE_URL": self._url,
            "IBALAGH_TOPIC_PREFIX": self._prefix,
            "IBALAGH_API_TOKEN": TOKEN,
            "IBALAGH_HTTP_PORT": str(port),
            "IBALAGH_BATCH_MAX_RECORDS": "200",
            "IBALAGH_WORKER_INDEX": str(worker),
        }
        with self.log(len(self.processes)).open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", f"services.{self.service}"], env=environment, stderr=log)
        self.processes.append(process)
        self.client.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        eventually(self._ready, timeout_s=40)
        return process

    def log(self, number: int) -> Path:
        """The log of the process that was started as this number, from 0."""
        return self._logs / f"{self.service}-{number}.log"

    def publish(self, events: Sequence[Event[Data]]) -> None:
        """Publish events and wait until the broker has them."""
        assert all(self.producer.publish([self.codec.encode(event) for event in events], 20.0))

    def written(self, topic: str) -> list[Read]:
        """All that a topic holds."""
        return read_all(self.broker, self.codec.topic(topic))

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)
        self.client.close()
        self.producer.close()

    def _ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False
