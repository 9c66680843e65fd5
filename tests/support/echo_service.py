"""A service of a few lines for tests of the stack: any path shows its settings, `/crash` ends it."""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/crash":
            os._exit(7)
        content = json.dumps({name: value for name, value in os.environ.items() if name.startswith("IBALAGH_")})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *_: object) -> None:
        """Nothing: the stack asks for readiness again and again."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["IBALAGH_HTTP_PORT"])), _Handler).serve_forever()
