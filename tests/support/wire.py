"""A wire between clients and a server that holds what a test chooses: requests, so that they never arrive, or answers,
so that nobody learns what became of a request.

It takes any number of connections. Nothing is parsed but the length of Kafka's requests and answers (Kafka protocol
guide, "Protocol Primitives"): a broker tells its clients where it is, and these must stay on the wire.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

Chooses = Callable[[int, bytes], bool]
"""Whether to hold a request (or its answer), by the number of the connection that it came on and its bytes."""
_NOTHING: Chooses = lambda _connection, _data: False  # noqa: E731
_HOST = "127.0.0.1"


def is_produce(_connection: int, request: bytes) -> bool:
    """A request of Kafka that brings records: after its length (4 bytes) comes 0, the number of `Produce`."""
    return request[4:6] == b"\0\0"


def holding(text: bytes) -> Chooses:
    """Requests with this text."""
    return lambda _connection, data: text in data


def commit_after(statement: bytes) -> Chooses:
    """The end of a transaction of PostgreSQL that had this statement."""
    began: set[int] = set()

    def chooses(connection: int, data: bytes) -> bool:
        if statement in data:
            began.add(connection)
        return connection in began and b"COMMIT" in data

    return chooses


class Wire:
    """Passes everything on until told otherwise. `held` is set while something is held."""

    def __init__(self, server: tuple[str, int], *, kafka: bool = False) -> None:
        self._server = server
        self._kafka = kafka
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.held = threading.Event()
        self._passes = threading.Event()
        self._passes.set()
        self._requests = self._answers = _NOTHING
        self._away = self._closed = False
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        """Where clients connect to, `host:port`."""
        return f"{_HOST}:{self.port}"

    def hold_requests(self, chooses: Chooses) -> None:
        """From the next request that `chooses` on, nothing that its connection sends arrives."""
        self._passes.clear()
        self._requests = chooses

    def hold_answers(self, chooses: Chooses) -> None:
        """The next request that `chooses` arrives, and nothing that the server says on its connection comes back."""
        self._passes.clear()
        self._answers = chooses

    def release(self) -> None:
        """Pass on what is held, and everything that comes."""
        self._requests = self._answers = _NOTHING
        self._passes.set()
        self.held.clear()

    def leave(self) -> None:
        """Hang up on everybody, with what is held; whoever calls is hung up on until `release`d by `come_back`."""
        self._away = True
        self._hang_up()

    def come_back(self) -> None:
        """Take calls again."""
        self._away = False
        self.release()

    def close(self) -> None:
        """Hang up for good; what is held is lost."""
        self._closed = True
        with suppress(OSError):
            socket.create_connection((_HOST, self.port), 1).close()
        self._hang_up()
        self._passes.set()
        self._threads[0].join(10)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()

    def _hang_up(self) -> None:
        for each in list(self._sockets):
            with suppress(OSError):  # it hung up itself
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        for number in count():
            client, _ = self._listener.accept()
            if self._closed:
                client.close()
                return
            if self._away:
                client.close()
                continue
            server = socket.create_connection(self._server)
            self._sockets += [client, server]
            answers_wait = threading.Event()
            for ends, each in (((client, server), self._pass_requests), ((server, client), self._pass_answers)):
                thread = threading.Thread(target=self._pump, args=(each, *ends, number, answers_wait))
                self._threads.append(thread)
                thread.start()

    def _pump(
        self,
        passes: Callable[[bytes, int, threading.Event], bytes],
        source: socket.socket,
        sink: socket.socket,
        number: int,
        answers_wait: threading.Event,
    ) -> None:
        with suppress(OSError):
            while data := self._read(source):
                sink.sendall(passes(data, number, answers_wait))
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _pass_requests(self, data: bytes, number: int, answers_wait: threading.Event) -> bytes:
        if self._requests(number, data):
            self._wait()
        if self._answers(number, data):
            answers_wait.set()
        return data

    def _pass_answers(self, data: bytes, _number: int, answers_wait: threading.Event) -> bytes:
        if answers_wait.is_set():
            self._wait()
            answers_wait.clear()
        if self._kafka:
            host = _HOST.encode()
            data = data.replace(host + self._server[1].to_bytes(4, "big"), host + self.port.to_bytes(4, "big"))
        return data

    def _wait(self) -> None:
        self.held.set()
        self._passes.wait()
        if self._closed or self._away:
            raise ConnectionAbortedError

    def _read(self, source: socket.socket) -> bytes:
        if not self._kafka:
            return source.recv(1 << 16)
        head = _exactly(source, 4)
        return head + _exactly(source, int.from_bytes(head, "big"))


def _exactly(source: socket.socket, size_bytes: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < size_bytes:
        chunk = source.recv(size_bytes - len(chunks))
        if not chunk:
            raise ConnectionAbortedError
        chunks += chunk
    return bytes(chunks)


@contextmanager
def wire_to_broker(bootstrap: str) -> Iterator[Wire]:
    """A wire to a broker on this machine."""
    host, _, port = bootstrap.rpartition(":")
    with closing(Wire((host, int(port)), kafka=True)) as wire:
        yield wire


@contextmanager
def wire_to_database(url: str) -> Iterator[tuple[Wire, str]]:
    """A wire to a database, and the URL by which it is reached on it."""
    address = urlsplit(url)
    login = address.netloc.rpartition("@")[0]
    with closing(Wire((address.hostname or "", address.port or 5432))) as wire:
        yield wire, address._replace(netloc=f"{login}@{wire.address}").geturl()


@contextmanager
def wire_to_service(url: str) -> Iterator[Wire]:
    """A wire to a service that speaks HTTP."""
    address = urlsplit(url)
    with closing(Wire((address.hostname or "", address.port or 80))) as wire:
        yield wire
