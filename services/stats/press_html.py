"""A communiqué as a page that stands alone: one file without scripts and without anything from elsewhere, to be kept,
sent and printed.

In: a `Sheet`. Out: HTML, as UTF-8. The same tables are a part of the page that stats serves.
"""

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from ibalagh.web.pages import direction
from services.stats.sheet import Sheet
from services.stats.wording import say

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("services.stats"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html(sheet: Sheet) -> bytes:
    """The whole file."""
    language = sheet.language
    page = _ENVIRONMENT.get_template("communique_file.html").render(
        sheet=sheet, language=language, dir=direction(language), say=lambda name: say(name, language)
    )
    return page.encode()
