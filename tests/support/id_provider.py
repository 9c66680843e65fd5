"""A provider that a test makes say what it likes: to see what a dishonest or a broken one achieves."""

import base64
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI, Form, Header, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.responses import JSONResponse

from tests.support.serving import serving

SUBJECT = "salma"


class Dishonest:
    """The provider's state: what a test changes is what it answers from then on."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.published = [self.key]
        self.changes: dict[str, Any] = {}
        self.claims: dict[str, Any] = {"sub": SUBJECT, "name": "Salma", "roles": ["officer"]}
        self.good_access = {"access-1"}
        self.good_refresh = {"refresh-1"}
        self.status = 200
        self.authorizations: list[str] = []
        self._asked: dict[str, str] = {}

    def code_for(self, authorization_url: str) -> dict[str, str]:
        """Somebody signed in at this address; the query of the way back."""
        self._asked = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        assert self._asked["response_type"] == "code"
        assert self._asked["code_challenge_method"] == "S256"
        assert "openid" in self._asked["scope"].split()
        return {"state": self._asked["state"], "code": "code-1"}

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self._asked["client_id"],
            "sub": SUBJECT,
            "nonce": self._asked["nonce"],
            "iat": now,
            "exp": now + 300,
        }
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims | self.changes, self.key)

    def fits(self, verifier: str) -> bool:
        """Whether the verifier is the one of the challenge (RFC 7636, section 4.6)."""
        digest = hashlib.sha256(verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=") == self._asked["code_challenge"]

    def app(self) -> FastAPI:
        """Its endpoints."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def discovery() -> Response:
            names = {"authorization": "authorize", "token": "token", "userinfo": "userinfo", "end_session": "end"}
            endpoints = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in names.items()}
            return JSONResponse({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", **endpoints}, self.status)

        @app.get("/jwks")
        def jwks() -> Response:
            return JSONResponse(KeySet(self.published).as_dict(private=False))

        @app.post("/token")
        def token(
            grant_type: Annotated[str, Form()],
            code: Annotated[str, Form()] = "",
            code_verifier: Annotated[str, Form()] = "",
            refresh_token: Annotated[str, Form()] = "",
            authorization: Annotated[str, Header()] = "",
        ) -> Response:
            self.authorizations.append(authorization)
            if self.status != 200:
                return JSONResponse({}, self.status)
            if grant_type == "refresh_token":
                if refresh_token not in self.good_refresh:
                    return JSONResponse({"error": "invalid_grant"}, 400)
                self.good_access = {"access-2"}
                return JSONResponse({"access_token": "access-2", "token_type": "Bearer"})
            if code != "code-1" or not self.fits(code_verifier):
                return JSONResponse({"error": "invalid_grant"}, 400)
            tokens = {"access_token": "access-1", "refresh_token": "refresh-1", "id_token": self.id_token()}
            return JSONResponse(tokens | {"token_type": "Bearer"})

        @app.get("/userinfo")
        def userinfo(authorization: Annotated[str, Header()] = "") -> Response:
            if self.status != 200:
                return JSONResponse({}, self.status)
            if authorization.removeprefix("Bearer ") not in self.good_access:
                return JSONResponse({"error": "invalid_token"}, 401)
            return JSONResponse(self.claims)

        return app


@contextmanager
def dishonest(port: int) -> Iterator[Dishonest]:
    """One that answers until the block ends."""
    provider = Dishonest(f"http://127.0.0.1:{port}")
    with serving(provider.app(), port):
        yield provider
