"""Pages for those who are signed in: the sign-in form, the session in a cookie, forms that no other site can send.

Sign-in is by the interface's token, until people can sign in; the cookie is HttpOnly and SameSite=Strict. Everything
works without JavaScript.
"""

import time
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from pydantic import StringConstraints
from starlette.responses import RedirectResponse

from ibalagh.ops.settings import Settings
from ibalagh.web.auth import token_matches
from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.session import Session, Sessions

Pseudonym = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class SignedInPages:
    """The pages of one service, `names` its name by language. Every template gets `name`, `signed_in`, `form_token`.

    `asks_name` says whether whoever signs in gives a pseudonym, under which decisions are recorded.
    """

    def __init__(self, settings: Settings, names: Mapping[str, str], *, lasts_s: int, asks_name: bool = True) -> None:
        self._settings = settings
        self._names = names
        self._lasts_s = lasts_s
        self._asks_name = asks_name
        self._sessions = Sessions(
            settings.service, settings.api_token.get_secret_value() if settings.api_token is not None else ""
        )
        self._pages = Pages(f"services.{settings.service}")

    def add_routes(self, router: APIRouter) -> None:
        """Add `/sign-in` and `/sign-out`."""
        router.add_api_route("/sign-in", self.sign_in, methods=["POST"])
        router.add_api_route("/sign-out", self.sign_out, methods=["POST"])

    def session(self, request: Request) -> Session | None:
        """The session that a request belongs to."""
        return self._sessions.check(request.cookies.get(self._sessions.cookie), time.time())

    def require(self, request: Request, form_token: str) -> Session:
        """The session of a form that was sent; raises `Problem` 401 without one, 403 for a form of another site."""
        found = self.session(request)
        if found is None:
            raise Problem(401, "not_signed_in", "Please sign in")
        if not self._sessions.form_token_matches(form_token, request.cookies[self._sessions.cookie]):
            raise Problem(403, "foreign_form", "This form is not of this session")
        return found

    def ask(self, request: Request, *, wrong: bool = False) -> Response:
        """The form to sign in with; 401 once a wrong token was given."""
        return self.render(
            "sign_in.html", request, status=401 if wrong else 200, wrong=wrong, asks_name=self._asks_name
        )

    def render(self, template: str, request: Request, *, status: int = 200, **values: Any) -> Response:
        """A page in the language of the request."""
        language = choose_language(request)
        found = self.session(request)
        form_token = self._sessions.form_token(request.cookies[self._sessions.cookie]) if found is not None else ""
        return self._pages.render(
            template,
            request,
            status=status,
            language=language,
            name=self._names[language],
            signed_in=found,
            form_token=form_token,
            **values,
        )

    def to(self, path: str, request: Request, **query: str) -> RedirectResponse:
        """Go on to another page, in the language that this one was asked for in."""
        if request.query_params.get("lang"):
            query["lang"] = choose_language(request)
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)

    def sign_in(
        self,
        request: Request,
        token: Annotated[str, Form(max_length=500)] = "",
        pseudonym: Annotated[Pseudonym, Form()] = "",
    ) -> Response:
        """Begin a session, or show the form again when the token is not right."""
        if not token_matches(self._settings, f"Bearer {token}"):
            return self.ask(request, wrong=True)
        if self._asks_name and not pseudonym:
            raise Problem(422, "invalid", "Invalid input", "A pseudonym is needed.", field="pseudonym")
        response = self.to("/", request)
        response.set_cookie(
            self._sessions.cookie,
            self._sessions.issue(Session(pseudonym, int(time.time()) + self._lasts_s)),
            max_age=self._lasts_s,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def sign_out(self, request: Request, form_token: Annotated[str, Form(max_length=200)] = "") -> Response:
        """End the session in this browser."""
        self.require(request, form_token)
        response = self.to("/", request)
        response.delete_cookie(self._sessions.cookie, httponly=True, samesite="strict")
        return response
