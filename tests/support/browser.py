"""A real browser for tests: the system's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support.poll import eventually

REQUIRED = "IBALAGH_REQUIRE_BROWSER"
"""The environment variable that forbids to skip these tests."""
INSECURE_HOST = "intake.test"
"""A name of this machine that a browser does not trust without https, as it does loopback's own."""
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1"]
"""As root, and with a container's small shared memory."""
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    """The browser's path. Without one the test is skipped, or fails where `REQUIRED` is set."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"no browser: none of {', '.join(_NAMES)}, and {REQUIRED} is set")
        pytest.skip("no Chromium on this machine")
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One reader's window: its page, what it asked of the network, and what it complained of."""

    def __init__(self, context: BrowserContext, base_url: str) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.base_url = base_url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)

    def open(self, path: str) -> None:
        """Go to a page of the service."""
        self.page.goto(self.base_url + path)

    def press(self, wanted: str) -> None:
        """Click on what leads to another page, and wait for it."""
        with self.page.expect_navigation():
            self.page.click(wanted)

    def wait_until(self, so: Callable[[], object]) -> None:
        """Wait until `so` is true; the browser's events arrive meanwhile, as they do only while it is asked something,
        and a page on its way out answers nothing."""
        eventually(lambda: (self.page.wait_for_timeout(20), so())[1], 15, every_s=0)

    def _note(self, message: ConsoleMessage) -> None:
        # A page or a file that was refused with a status of its own is no mishap; whatever else was not loaded is one.
        url = message.location["url"]
        of_its_own = url == self.page.url or url.startswith(f"{self.base_url}/v1/attachments?")
        refused = message.text.startswith("Failed to load resource") and of_its_own
        if message.type in ("error", "warning") and not refused:
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def foreign_requests(self) -> list[str]:
        """What was asked of anybody but the service."""
        return [url for url in self.requests if not url.startswith((self.base_url + "/", "data:"))]


@contextmanager
def visiting(browser: Browser, base_url: str, *, script: bool, **given: Any) -> Iterator[Visit]:
    """A fresh window without history and cookies; `script` says whether pages may run any, the rest goes to
    Playwright's `new_context`. It must leave without a cookie or anything else kept, without having asked anybody else,
    and without a complaint of the browser: an error, a warning, a breach of the pages' policy."""
    context = browser.new_context(java_script_enabled=script, **given)
    context.set_default_timeout(15_000)
    try:
        visit = Visit(context, base_url)
        yield visit
        assert context.cookies() == []
        assert not visit.foreign_requests(), visit.foreign_requests()
        assert not visit.complaints, visit.complaints
        if script and visit.page.url.startswith(base_url):
            assert visit.page.evaluate("localStorage.length + sessionStorage.length") == 0
    finally:
        context.close()
