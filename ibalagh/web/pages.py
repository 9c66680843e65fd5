"""Pages rendered on the server: one base template, four languages, right to left where due, no JavaScript needed.

In: a template's name, the request, values; out: an HTML response. Templates escape everything; what people wrote is
shown inside `<bdi>` so that its direction cannot disturb the page's, and through the filter `visible`, which marks what
nobody sees.
"""

import re
from collections.abc import Collection
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.responses import FileResponse, HTMLResponse

from ibalagh.web.assets import ASSETS, asset_directory
from ibalagh.web.middleware import SCRIPTED_POLICY
from ibalagh.web.problems import Problem
from ibalagh.web.sign_in_words import ROLES, SIGN_IN
from ibalagh.web.visible import visible
from ibalagh.web.words import LANGUAGES, by_language

RIGHT_TO_LEFT: Final = frozenset({"ar"})
_STATIC: Final = files("ibalagh.web") / "static"
OWN_ASSETS: Final = frozenset(each.name for each in _STATIC.iterdir())
_SCRIPTED: Final = {"Content-Security-Policy": SCRIPTED_POLICY}
_CACHED: Final = {"Cache-Control": "public, max-age=3600"}
_MOST_ACCEPTED_CHARS: Final = 200
_WEIGHT: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)", re.ASCII | re.IGNORECASE)

_WORDS: Final = by_language(
    {
        "skip": ("انتقل إلى المحتوى", "Aller au contenu", "Skip to content", "Ir al contenido"),
        "leave": ("مغادرة سريعة", "Quitter vite", "Leave quickly", "Salir rápido"),
        "leave_keys": (
            "أو اضغط على مفتاح Esc ثلاث مرات متتالية",
            "Ou appuyez trois fois de suite sur Échap",
            "Or press Escape three times in a row",
            "O pulse Escape tres veces seguidas",
        ),
        "language": ("اللغة", "Langue", "Language", "Idioma"),
    },
    SIGN_IN,
    ROLES,
)
"""What the shared templates say."""


def direction(language: str) -> str:
    """`rtl` or `ltr`: the `dir` of a language."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def choose_language(request: Request, default: str = "ar") -> str:
    """The language of a page: `?lang=`, else what `Accept-Language` prefers of those we have, else `default`."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return preferred(request.headers.get("accept-language", ""), LANGUAGES, default)


def preferred(header: str, available: Collection[str], default: str) -> str:
    """The language of `available` that an `Accept-Language` (RFC 9110, section 12.5.4) prefers, else `default`. A
    region is passed over: `fr-MA` is `fr`."""
    best, best_weight = default, 0.0
    for part in header[:_MOST_ACCEPTED_CHARS].split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _WEIGHT.fullmatch(parameter.strip())
        asked = float(weight[1]) if weight else 1.0
        if language in available and asked > best_weight:
            best, best_weight = language, asked
    return best


class Pages:
    """The templates of a package, on top of the shared ones.

    `base.html` has the blocks `title`, `brand`, `head`, `languages`, `main`. A page that is given `quick_exit`, the
    address of a harmless page, is one for the public: it begins with the way there, is dark where the reader's
    system is, and has `public.js`. Only pages with a script have a policy that allows any."""

    def __init__(self, package: str | None = None, *, default_language: str = "ar") -> None:
        loaders = [PackageLoader("ibalagh.web")]
        if package is not None:
            loaders.insert(0, PackageLoader(package))
        self._default_language = default_language
        self._environment = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(languages=LANGUAGES, direction=direction)
        self._environment.filters["visible"] = visible

    def render(self, template: str, request: Request, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The page in the language of the request (or `language=`), with `lang`, `dir` and the language chooser."""
        language = values.pop("language", None) or choose_language(request, self._default_language)
        html = self._environment.get_template(template).render(
            language=language, dir=direction(language), words=_WORDS[language], path=request.url.path, **values
        )
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        # What people wrote is escaped, so that only a template can have put this there.
        return HTMLResponse(html, status, headers | (_SCRIPTED if "<script " in html else {}))


def mount_assets(app: FastAPI) -> None:
    """Serve `/assets/<name>`: the locked assets (`ibalagh.web.assets`) and our own style sheets and scripts; and
    say that there is no icon, for which browsers ask by themselves."""

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return Response(status_code=204, headers=_CACHED)

    @app.get("/assets/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        if name in OWN_ASSETS:
            scripted = _SCRIPTED if name.endswith(".js") else {}
            return FileResponse(str(_STATIC / name), headers=_CACHED | scripted)
        if name not in ASSETS:
            raise Problem(404, "not_found", "Not found")
        try:
            return FileResponse(asset_directory() / name, headers=_CACHED)
        except FileNotFoundError:
            raise Problem(404, "asset_missing", "Not found", "The page assets were not set up.") from None
