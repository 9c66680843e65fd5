"""Signing in within tests: as one of the demonstration's people, and by a provider's code flow as a browser goes it."""

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.support.poll import eventually


def as_demo_person(client: httpx.Client, token: str, pseudonym: str) -> httpx.Response:
    """Send the demonstration's form."""
    return client.post("/sign-in", data={"token": token, "pseudonym": pseudonym})


def form_token(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert found is not None, "nobody is signed in on this page"
    return found[1]


class Provider:
    """`oidc-provider-mock` as a process of its own, on loopback."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.issuer, timeout=10)

    def close(self) -> None:
        self._client.close()

    def set_person(self, subject: str, **claims: Any) -> None:
        """What the provider says of somebody from now on."""
        assert self._client.put(f"/users/{subject}", json=claims).status_code == 204

    def end_tokens(self, subject: str) -> None:
        """Access and refresh tokens of somebody do not count any more."""
        assert self._client.post(f"/users/{subject}/revoke-tokens").status_code == 204

    def answers(self) -> bool:
        try:
            return self._client.get("/.well-known/openid-configuration").status_code == 200
        except httpx.TransportError:
            return False

    def approve(self, authorization_url: str, subject: str) -> str:
        """Sign in there as somebody; the address to which the browser is sent back."""
        answer = self._client.post(authorization_url, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def deny(self, authorization_url: str) -> str:
        """Refuse to sign in there; the address to which the browser is sent back."""
        return self._client.post(authorization_url, data={"action": "deny"}).headers["location"]


@contextmanager
def provider(port: int, log: Path) -> Iterator[Provider]:
    """A provider that runs until the block ends."""
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        running = Provider(port)
        try:
            eventually(running.answers, 30)
            yield running
        finally:
            running.close()
            process.terminate()


def by_provider(client: httpx.Client, there: Provider, subject: str, path: str = "/") -> httpx.Response:
    """Open a page, follow its link to the provider, sign in there, come back; the answer to the way back."""
    page = client.get(f"{path}{'&' if '?' in path else '?'}lang=en")
    link = re.search(r'href="(/sign-in/start\?[^"]+)"', page.text)
    assert link is not None, page.text
    away = client.get(link[1].replace("&amp;", "&"))
    assert away.status_code == 303, away.text
    return client.get(there.approve(away.headers["location"], subject))


def follow(client: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """The page that an answer leads on to."""
    assert answer.status_code == 303, answer.text
    return client.get(urljoin(str(answer.url), answer.headers["location"]))


def secret_files(folder: Path) -> dict[str, Path]:
    """The two files that an issuer needs, as settings."""
    key, secret = folder / "sign-in.key", folder / "client.secret"
    key.write_text(secrets.token_hex(32))
    secret.write_text("a client's secret")
    return {"sign_in_key_file": key, "oidc_client_secret_file": secret}
