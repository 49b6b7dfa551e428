"""The report in a headless Chromium, as a reader opens it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

from bounceledger_cli.report import render
from tests.audit_documents import document

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADDRESS = "https://report.test/"

_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
window.print = () => { window.printed = (window.printed ?? 0) + 1; };
"""


@dataclass
class Opened:
    """A page with everything that went wrong on it.

    Attributes:
        page: the page.
        errors: what the browser's console said, and uncaught errors.
        requests: addresses that the page asked for, besides its own.
        dialogs: messages of dialogs.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """Directives of the Content-Security-Policy that something on the page broke."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    @property
    def names(self) -> list[str]:
        """Names in the rows of the ranking that are shown, from the top."""
        return self.column("th")

    def column(self, name: str) -> list[str]:
        """Cells of a column of the ranking, by its CSS class, in the rows that are shown."""
        cells: list[str] = self.page.locator("#ranking tbody tr").evaluate_all(
            "(rows, name) => rows.filter((row) => !row.hidden)"
            ".map((row) => row.querySelector(name).textContent)",
            name if name == "th" else f"td.{name}",
        )
        return cells


type Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium.

    Not for the whole session: while it is open, Playwright's event loop runs in this thread, and
    `asyncio.run` of other tests would fail.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs Chromium, such as Debian's: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start in many containers. The page is our own.
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens the report of so many sources: ``open_page(12, width=360, color_scheme="dark")``.

    Or a page that is given: ``open_page(html="<!doctype html>…")``.
    """
    contexts = []

    def opened(
        sources: int = 0,
        *,
        html: str = "",
        hostile: bool = False,
        width: int = 1280,
        **options: Any,
    ) -> Opened:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
        contexts.append(context)
        result = Opened(context.new_page())
        body = html or page_of(sources, hostile=hostile)

        def answer(route: Route, request: Request) -> None:
            if request.url == ADDRESS:
                route.fulfill(body=body, content_type="text/html; charset=utf-8")
            else:
                result.requests.append(request.url)
                route.abort()

        context.route("**/*", answer)
        result.page.add_init_script(_WATCH)
        result.page.on("console", lambda message: result.errors.append(message.text))
        result.page.on("pageerror", lambda error: result.errors.append(str(error)))

        def dismiss(dialog: Any) -> None:
            result.dialogs.append(dialog.message)
            dialog.dismiss()

        result.page.on("dialog", dismiss)
        result.page.goto(ADDRESS)
        return result

    yield opened
    for context in contexts:
        context.close()


@cache
def page_of(sources: int, *, hostile: bool = False) -> str:
    """The report of a made-up audit, rendered once."""
    return render(document(sources, hostile=hostile))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the page of 3,000 sources, and the dark one, to `make e2e`: each takes seconds."""
    for item in items:
        if "/tests/browser/" in str(item.path) and any(word in item.name for word in _LONG):
            item.add_marker(pytest.mark.slow)


_LONG = ("3000", "three_thousand", "dark")
