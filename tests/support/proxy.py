"""A wire between a client and a server that breaks at the moment a test chooses."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def swallow_reply_to(request: bytes, url: str) -> Iterator[str]:
    """The URL of a proxy to `url` that passes everything on until a request holds `request`; that one still reaches
    the server, its reply is read and thrown away, and the client is hung up on. One connection is served."""
    address = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(
            target=_serve, args=(listener, (address.hostname or "", address.port or 5432), request)
        )
        thread.start()
        secret = f":{address.password}" if address.password else ""
        location = f"{address.username}{secret}@127.0.0.1:{listener.getsockname()[1]}"
        yield address._replace(netloc=location).geturl()
        thread.join(10)


def _serve(listener: socket.socket, server_address: tuple[str, int], request: bytes) -> None:
    client, _ = listener.accept()
    with client, socket.create_connection(server_address) as server:
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(1 << 16)
                if not data:
                    return
                (server if ready is client else client).sendall(data)
                if ready is client and request in data:
                    server.recv(1 << 16)
                    return
