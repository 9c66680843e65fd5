"""Pages for those who are signed in: who may see them, forms that no other site can send, signing in and out.

Sign-in is by an OpenID provider, or, in the demonstration, as one of its people with the interface's token
(docs/sign-in.md). Every request looks its session up anew and checks the permission. Everything works without
JavaScript. The cookie is HttpOnly and SameSite=Lax: Strict would not be sent on the way back from a provider, and
whatever changes anything is a form with the session's own token.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from ibalagh.storage.audit import Audit
from ibalagh.storage.postgres import Database
from ibalagh.web import flow, session
from ibalagh.web.auth import token_matches
from ibalagh.web.demo_people import DEMO_PEOPLE
from ibalagh.web.oidc import ProviderAwayError, RefusedError
from ibalagh.web.pages import Pages, choose_language
from ibalagh.web.problems import Problem
from ibalagh.web.roles import Permission
from ibalagh.web.session import Session
from ibalagh.web.sign_in_settings import How, SignInSettings
from ibalagh.web.sign_ins import Begun, SignIns

_OWN_STATUS: Final = {"no_role": 403, "shut_out": 403, "access_denied": 403}
_AUDIT_ROWS: Final = 100
Line = Annotated[str, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Shown(Problem):
    """A refusal that is a page."""

    def __init__(self, status: int, code: str, page: Response) -> None:
        super().__init__(status, code, code)
        self._page = page

    def response(self) -> Response:
        return self._page


class SignedInPages:
    """The pages of one service, `names` its name by language.

    Every template gets `name`, `signed_in` (a `Session` or None), `form_token`, `demo`.
    """

    def __init__(
        self,
        settings: SignInSettings,
        names: Mapping[str, str],
        database: Database,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._names = names
        self._sign_ins = SignIns(settings, database, clock=clock)
        self._pages = Pages(f"services.{settings.service}")

    @property
    def audit(self) -> Audit:
        """Where the pages note who saw and did what."""
        return self._sign_ins.audit

    def add_routes(self, router: APIRouter) -> None:
        """Add `/sign-in`, `/sign-in/start`, `/sign-in/return`, `/sign-out` and `/audit`."""
        own = APIRouter(lifespan=self._while_served)
        own.add_api_route("/sign-in", self.sign_in, methods=["POST"])
        own.add_api_route("/sign-in/start", self.leave, methods=["GET"])
        own.add_api_route("/sign-in/return", self.come_back, methods=["GET"])
        own.add_api_route("/sign-out", self.sign_out, methods=["POST"])
        own.add_api_route("/audit", self.show_audit, methods=["GET"], dependencies=[self.needs(Permission.AUDIT_READ)])
        router.include_router(own)

    @asynccontextmanager
    async def _while_served(self, _app: object) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._sign_ins.close()

    def session(self, request: Request) -> Session | None:
        """Who a request comes from; looked up once a request. Raises a page with 503 while the provider has not
        confirmed the roles for too long."""
        if not hasattr(request.state, "session"):
            request.state.session = None
            try:
                request.state.session = self._sign_ins.find(self._secret(request), self._how(request))
            except ProviderAwayError:
                raise _Shown(503, "away", self._problem_page(request, "away", 503)) from None
        found: Session | None = request.state.session
        return found

    def needs(self, permission: Permission, *, machine: bool = False, pages: bool = True) -> Any:
        """The dependency of a route that asks for a permission, checked at every request.

        Whoever is not signed in gets the sign-in page, whoever may not a page that says so, with 403. `machine`: the
        interface's bearer token opens it too. Without `pages` refusals are problem details: 401 and 403.
        """

        def check(request: Request) -> None:
            if machine and token_matches(self._settings, request.headers.get("authorization")):
                return
            found = self.session(request)
            if found is None:
                if pages:
                    raise _Shown(200, "not_signed_in", self.ask(request))
                raise Problem(401, "not_signed_in", "Sign in first")
            self._allow(found, permission, request, pages=pages)

        return Depends(check)

    def require(self, request: Request, form_token: str, permission: Permission | None = None) -> Session:
        """Who sent a form; a page with 401 for nobody, `Problem` 403 for a form of another site, a page with 403 for
        who may not."""
        found = self.session(request)
        if found is None:
            raise _Shown(401, "not_signed_in", self._problem_page(request, "over", 401))
        if not session.form_token_matches(form_token, self._secret(request) or ""):
            raise Problem(403, "foreign_form", "This form is not of this session")
        if permission is not None:
            self._allow(found, permission, request, pages=True)
        return found

    def viewed(self, request: Request, kind: str, *subjects: str, permission: Permission) -> None:
        """Note that whoever a request comes from is about to see these; before it is shown."""
        found = self.session(request)
        assert found is not None  # noqa: S101 - the routes' dependency lets nobody else through
        self.audit.viewed(found.person, kind, *subjects, permission=permission)

    def ask(self, request: Request) -> Response:
        """The page to sign in on."""
        return self._problem_page(request, "", 200)

    def render(self, template: str, request: Request, *, status: int = 200, **values: Any) -> Response:
        """A page in the language of the request."""
        language = choose_language(request)
        found: Session | None = getattr(request.state, "session", None)
        return self._pages.render(
            template,
            request,
            status=status,
            language=language,
            name=self._names[language],
            signed_in=found,
            form_token=session.form_token(self._secret(request) or "") if found is not None else "",
            demo=self._how(request) is How.DEMO,
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
        pseudonym: Annotated[str, Form(max_length=100)] = "",
        to: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        """Begin a session as one of the demonstration's people, or show the form again when the token is not right."""
        if not token_matches(self._settings, f"Bearer {token}"):
            return self._problem_page(request, "wrong_token", 401)
        begun = self._sign_ins.as_demo_person(pseudonym) if self._how(request) is How.DEMO else None
        if begun is None:
            raise Problem(422, "invalid", "Invalid input", "Nobody of the demonstration.", field="pseudonym")
        return self._signed_in(request, begun, self.to("/", request) if to == "/" else _on(to))

    def leave(self, request: Request, to: Annotated[str, Query(max_length=2000)] = "/") -> Response:
        """Send the browser to the provider."""
        try:
            url, cookie = self._sign_ins.leave(to, choose_language(request))
        except RefusedError as error:
            return self._problem_page(request, error.code, 400)
        except ProviderAwayError:
            return self._problem_page(request, "away", 503)
        response = RedirectResponse(url, 303)
        self._set_cookie(response, request, self._flow_cookie(request), cookie, flow.LASTS_S)
        return response

    def come_back(
        self,
        request: Request,
        state: Annotated[str, Query(max_length=200)] = "",
        code: Annotated[str, Query(max_length=4000)] = "",
        error: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        """Take the provider's answer: a session, or the sign-in page with what went wrong."""
        name = self._flow_cookie(request)
        try:
            if error:
                raise RefusedError("access_denied" if error == "access_denied" else "code_refused")
            begun_flow, begun = self._sign_ins.come_back(request.cookies.get(name), state, code)
            response = self._signed_in(request, begun, _on(begun_flow.to))
        except RefusedError as refused:
            response = self._problem_page(request, refused.code, _OWN_STATUS.get(refused.code, 400))
        except ProviderAwayError:
            response = self._problem_page(request, "away", 503)
        self._delete_cookie(response, request, name)
        return response

    def sign_out(self, request: Request, form_token: Annotated[str, Form(max_length=200)] = "") -> Response:
        """End the session here, and lead on to where it ends with the provider."""
        self.require(request, form_token)
        there = self._sign_ins.end(self._secret(request) or "")
        request.state.session = None
        # A page and no redirect: the policy of our pages lets no form lead to another site.
        response = self.to("/", request) if there is None else self.render("signed_out.html", request, there=there)
        self._delete_cookie(response, request, self._session_cookie(request))
        return response

    def show_audit(
        self,
        request: Request,
        person: Line = "",
        subject: Line = "",
        before: Annotated[int, Query(ge=1, le=2**63 - 1)] = 2**63 - 1,
    ) -> Response:
        """Who saw and did what in this service, the newest first; this look is noted too."""
        self.viewed(request, "audit", subject or person or "all", permission=Permission.AUDIT_READ)
        rows = self.audit.newest(person=person.strip(), subject=subject.strip(), limit=_AUDIT_ROWS, before=before)
        older = rows[-1].number if len(rows) == _AUDIT_ROWS else None
        return self.render("audit.html", request, rows=rows, older=older, chosen={"person": person, "subject": subject})

    def _allow(self, found: Session, permission: Permission, request: Request, *, pages: bool) -> None:
        if found.may(permission):
            return
        self.audit.note(found.person, "refused", "page", request.url.path[:200], permission=permission)
        if not pages:
            raise Problem(403, "not_allowed", "Not allowed", f"It needs the permission {permission.value}.")
        raise _Shown(
            403, "not_allowed", self.render("not_allowed.html", request, status=403, permission=permission.value)
        )

    def _problem_page(self, request: Request, problem: str, status: int) -> Response:
        return self.render(
            "sign_in.html",
            request,
            status=status,
            problem=problem,
            how=self._how(request).name,
            people=DEMO_PEOPLE.values(),
            to=_here(request),
        )

    def _signed_in(self, request: Request, begun: Begun, response: Response) -> Response:
        before = self._secret(request)
        if before:
            self._sign_ins.end(before)
        self._set_cookie(response, request, self._session_cookie(request), begun.secret, self._settings.session_s)
        return response

    def _how(self, request: Request) -> How:
        return self._settings.how(request.url.hostname or "")

    def _https(self, request: Request) -> bool:
        return (self._settings.site_url or str(request.url)).startswith("https:")

    def _session_cookie(self, request: Request) -> str:
        return session.cookie_name(self._settings.service, https=self._https(request))

    def _flow_cookie(self, request: Request) -> str:
        return flow.cookie_name(self._settings.service, https=self._https(request))

    def _secret(self, request: Request) -> str | None:
        return request.cookies.get(self._session_cookie(request))

    def _set_cookie(self, response: Response, request: Request, name: str, value: str, lasts_s: int) -> None:
        response.set_cookie(
            name, value, max_age=lasts_s, httponly=True, samesite="lax", secure=self._https(request), path="/"
        )

    def _delete_cookie(self, response: Response, request: Request, name: str) -> None:
        response.delete_cookie(name, httponly=True, samesite="lax", secure=self._https(request), path="/")


def _on(to: str) -> RedirectResponse:
    return RedirectResponse(flow.local(to), 303)


def _here(request: Request) -> str:
    """The page that was asked for, to go on to after signing in; the first one where there is nothing to go back to."""
    if request.method != "GET" or request.url.path.startswith("/sign-"):
        return f"/?{urlencode({'lang': choose_language(request)})}"
    query = {name: value for name, value in request.query_params.items() if name not in ("lang", "notice")}
    return f"{request.url.path}?{urlencode({**query, 'lang': choose_language(request)})}"
